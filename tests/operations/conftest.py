"""Fixtures of the operations' tests."""

from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.audit import Auditor
from store.delivery_rows import Projection
from store.record_rows import RowKey
from tests.factories.archive import delivered, keep, put, rows
from tests.factories.dead_letters import stored
from tests.factories.traces import LONG_AGO, OTHERS, THEIRS, consume_all, traces
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
