"""An emulated gateway, and a reconciler for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.factory import reconciler
from gateway.reconciler import Reconciler
from ledger.client import Ledger
from tests.emulator.emulator_process import KEY, Emulator, emulating
from tests.gateway.hook_runs import PUBLIC, TOKEN, Start
from workers.settings import WorkerSettings


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulating(api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
def watching(emulator: Emulator, ledger: Ledger, engine: Engine) -> Start:
    """A reconciler for this emulator; settings by name."""

    @contextmanager
    def start(*, again: bool = False, **told: Any) -> Iterator[Reconciler]:
        settings = {
            "seven_api_key": KEY,
            "seven_api_url": f"{emulator.url}/api",
            "seven_public_url": PUBLIC,
            "seven_hook_token": TOKEN,
        }
        with reconciler(WorkerSettings(**settings | told).account, ledger.redis, engine, again=again) as run:
            yield run

    return start
