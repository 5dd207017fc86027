"""Bounded body: an answer without an end takes no thread and no memory for good."""

import itertools
from collections.abc import Iterator

import httpx2
import pytest

from gateway import bounded_body, public_url
from gateway.api import Api, GatewayAway
from gateway.bounded_body import MOST_BYTES, read_body
from tests.gateway.stub_gateway import StubGateway


def answer(pieces: Iterator[bytes]) -> httpx2.Response:
    request = httpx2.Request("GET", "https://gateway.example/")
    return httpx2.Response(200, content=pieces, request=request)


def test_a_body_is_read_whole():
    assert read_body(answer(iter([b"[1,", b" 2]"]))) == b"[1, 2]"


def test_a_body_that_drips_ends_in_time():
    """By a clock that counts each look at it."""
    with pytest.raises(httpx2.ReadTimeout):
        read_body(answer(itertools.repeat(b".")), 60, itertools.count().__next__)


def test_a_body_without_an_end_takes_no_memory():
    with pytest.raises(httpx2.ReadTimeout):
        read_body(answer(itertools.repeat(bytes(MOST_BYTES // 8))))


def test_the_gateway_counts_as_away(stub: StubGateway, monkeypatch: pytest.MonkeyPatch):
    """As for every answer that does not come."""
    monkeypatch.setattr(bounded_body, "MOST_BYTES", 3)
    stub.prepare({"success": True})
    with Api(stub.url, "a-key") as api, pytest.raises(GatewayAway, match="does not answer"):
        api.get("hooks", {})


def test_the_probe_reads_no_body(stub: StubGateway, monkeypatch: pytest.MonkeyPatch):
    """The status says it all."""
    monkeypatch.setattr(httpx2.Response, "iter_raw", lambda *_: pytest.fail("a body was read"))
    stub.prepare(b"x" * 100)
    with public_url.client() as client:
        assert public_url.visit(client, stub.url, "a-token").known.status == 200
