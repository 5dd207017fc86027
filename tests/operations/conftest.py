"""Fixtures of the operations' tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.api import Api
from gateway.journal_client import JournalClient
from ledger.client import Ledger
from operations.audit import Auditor
from operations.backfill import JournalOffer
from operations.journal_pass import JournalPass, PassOptions, PassResult
from operations.journal_state import JournalStates
from store.delivery_rows import Projection
from store.projection_options import DEFAULT_OPTIONS
from store.record_rows import RowKey
from store.row_writer import Store
from tests.factories.archive import delivered, keep, put, rows
from tests.factories.dead_letters import stored
from tests.factories.envelopes import Accept, envelope
from tests.factories.traces import LONG_AGO, OTHERS, THEIRS, consume_all, traces
from tests.gateway.journal_stub import JournalStub, journal_stub
from tests.operations.journal_passes import ACCOUNT, Pass
from workers.consumer import Consumer

ARCHIVE = [
    delivered(0, "dlr", {"msg_id": "7", "status": "ACCEPTED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(1, "dlr", {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:09"}),
    delivered(2, "dlr", {"msg_id": "8", "status": "FAILED", "timestamp": "2026-03-29 10:00:09"}),
    delivered(3, "voice_status", {"id": "300", "status": "ringing", "timestamp": 1774785600}),
    delivered(4, "voice_status", {"id": "300", "status": "completed", "timestamp": 1774785700, "duration": "42"}),
    delivered(5, "voice_call", {"id": 300, "caller": "447700900002", "time": 1774785600}),
    delivered(
        6, "tracking", {"sms_id": "7", "tracking_url": "https://go.example/1", "type": "click", "total_clicks": 2}
    ),
    delivered(7, "sms_mo", {"id": "7", "sender": "447700900001", "text": "yes", "time": "1774785600"}),
]


@pytest.fixture
def auditor(ledger: Ledger, engine: Engine) -> Auditor:
    return Auditor(ledger, engine)


@pytest.fixture
def two_people(consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any) -> dict[RowKey, Any]:
    """Rows of two people, and an unreadable batch with both numbers; all changed long ago."""
    for number, tag in ((THEIRS, "a"), (OTHERS, "b")):
        consume_all(consumer, accept, traces(number, tag))
    garbage = stored(f"sender={THEIRS}".encode(), f"sender={OTHERS}".encode()) + b"\nand one more"
    ledger.redis.hset("seven:batches", "batch-odd", garbage)
    ledger.redis.zadd("seven:pending:dlr", {"batch-odd": 1})
    consumer.consume("dlr", ["batch-odd"])
    for record in rows(engine).values():
        if record.tracks_changes:
            put(engine, record, changed_at=LONG_AGO)
    return dict(rows(engine))


@pytest.fixture
def archive(engine: Engine) -> list[Projection]:
    """A database with an archive and its fold, all rows changed long ago."""
    keep(engine, ARCHIVE)
    for record in rows(engine).values():
        if record.tracks_changes:
            put(engine, record)
    return ARCHIVE


@pytest.fixture
def stub() -> Iterator[JournalStub]:
    with journal_stub() as stub:
        yield stub


@pytest.fixture
def make_pass(stub: JournalStub, ledger: Ledger, engine: Engine) -> Iterator[Pass]:
    """Makes a pass over the stub's journal."""
    offer = JournalOffer(ledger, lambda _queue, _ids: None, 10_000, 2**40)
    states = JournalStates(ledger.redis, ACCOUNT)
    with Api(stub.url, "key") as api:

        def run(
            *, applies: bool = False, at_once: bool = False, check: Callable[[], object] = lambda: None
        ) -> PassResult:
            journal = JournalPass(ledger, Store(engine), JournalClient(api, 1000), states, offer)
            options = PassOptions(8, applies, DEFAULT_OPTIONS)
            return journal.run(options, check, lambda _: None, at_once=at_once)

        yield run


@pytest.fixture
def receive(consumer: Consumer, accept: Accept) -> Callable[..., None]:
    """Receives and consumes status reports, by message id."""

    def receive_all(status: str, at: int, *ids: str) -> None:
        consumer.consume(
            "dlr", [accept(*(envelope(f"{i} {status}", msg_id=i, status=status, timestamp=at) for i in ids))]
        )

    return receive_all
