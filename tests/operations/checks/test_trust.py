"""Certificates: loaded once, however often `status --watch` and the console ask."""

from typing import Any

import pytest
from httpx2._transports import default

from operations.checks import machine, receivers
from operations.checks.trust import trusted
from tests.emulator.stub_receiver import run_receiver


def test_no_request_loads_certificates_of_its_own(monkeypatch: pytest.MonkeyPatch):
    """All requests of checks are made with the same ones."""
    contexts: list[object] = []
    create = default.create_ssl_context

    def record(**options: Any) -> Any:
        contexts.append(options["verify"])
        return create(**options)

    monkeypatch.setattr(default, "create_ssl_context", record)
    with run_receiver() as receiver:
        receiver.answer = lambda request: 200
        for _ in range(2):
            assert machine.flower_status(receiver.url) == 200
            assert not receivers.read(receiver.url)[0].hindrances
    assert contexts == [trusted()] * 4
