"""The writer's deadline: within it a batch is confirmed, or refused with the best reason known."""

import asyncio
import signal
import threading
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ledger.writer import LedgerWriter, NotAccepted
from tests.ledger.test_ledger import accept, batch
from tests.servers import eventually, valkey


def test_the_deadline_holds_whatever_becomes_of_its_cancellation(monkeypatch: pytest.MonkeyPatch):
    """A client that turns the cancellation into an error of its connection does not make the writer try for ever."""

    async def swallowed(*_: object) -> list[object]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise RedisConnectionError("the connection is closed") from None
        return []

    monkeypatch.setattr(LedgerWriter, "_answers", swallowed)
    (answer,) = accept("redis://127.0.0.1:1/0", [batch("a")], deadline_s=0.1)
    assert isinstance(answer, NotAccepted)
    assert answer.kind == "ConnectionError"


def test_a_refusal_says_more_than_the_end_of_time(tmp_path: Path):
    """A server that refused the first attempts and does not answer the last: the reason is its refusal."""
    with valkey(tmp_path, "--replicaof", "127.0.0.1 1") as server, server.client() as client:

        def hang_after_a_refusal() -> None:
            eventually(lambda: "errorstat_READONLY" in client.info("errorstats"))
            server.send(signal.SIGSTOP)

        hanging = threading.Thread(target=hang_after_a_refusal)
        hanging.start()
        (answer,) = accept(server.url, [batch("a")], deadline_s=5)
        hanging.join()
        server.send(signal.SIGCONT)
        assert " READONLY:" in str(answer)
