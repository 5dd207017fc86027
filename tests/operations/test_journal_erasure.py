"""After `forget` with an erasure key the journal brings nothing back of messages that a status report names nobody in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.journal_comparison import lacking
from operations.sent_messages import SentMessages
from runtime.settings.retention import RetentionSettings
from seven.forgotten_numbers import ErasureKey
from seven.journal import read_row
from seven.records import Message, SentMessage
from seven.timestamps import BERLIN
from store.circuit_breaker import CircuitBreaker
from store.forgotten import ForgottenRegister
from store.projection_options import DEFAULT_OPTIONS
from store.row_writer import Store
from tests.factories.archive import rows
from tests.factories.envelopes import Accept
from tests.factories.traces import OTHERS, THEIRS
from tests.gateway.journal_stub import ago, outbound
from tests.operations.erasures import erased
from workers.consumer import Consumer

KEY = ErasureKey("a-key-that-only-tests-know")


@pytest.fixture
def backfill(engine: Engine, ledger: Ledger, accept: Accept) -> Any:
    """Has what the tables lack of rows of the outbound list consumed by a worker with the key."""
    register = ForgottenRegister(KEY)
    consumer = Consumer(ledger, Store(engine, register), CircuitBreaker(0.0))

    def run(*listed: Any) -> None:
        with engine.connect() as connection:
            options = DEFAULT_OPTIONS.with_forgotten(register.read(connection))
            lacked = lacking(connection, [read_row("dlr", each) for each in listed], datetime.now(UTC), options)
        consumer.consume("dlr", [accept(*(each.envelope for each in lacked), queue="dlr")])

    return run


def foreign_ids(engine: Engine) -> dict[str, tuple[str | None, str | None]]:
    messages = (row for row in rows(engine).values() if isinstance(row, Message))
    return {row.msg_id: (row.status, row.foreign_id) for row in messages}


def test_no_foreign_id_of_a_forgotten_recipient_comes_back(engine: Engine, ledger: Ledger, backfill: Any):
    """Of a message that was known, and of one that was not, however the number is written; its status does come."""
    before = ago(days=1)
    backfill(outbound(1, "TRANSMITTED", before, to=THEIRS, foreign_id="order 1"))
    assert foreign_ids(engine) == {"1": ("TRANSMITTED", "order 1")}
    Store(engine).write([SentMessage("1", recipient=THEIRS, foreign_id="order 1")])
    erased(engine, ledger, key=KEY)
    assert foreign_ids(engine) == {"1": ("TRANSMITTED", None)}
    backfill(
        outbound(1, "DELIVERED", before, to=THEIRS, foreign_id="order 1"),
        outbound(2, "DELIVERED", before, to=f"+{THEIRS}", foreign_id="order 2"),
        outbound(3, "DELIVERED", "2026-03-02 05:50:63", to=THEIRS, foreign_id="order 3"),
        outbound(4, "DELIVERED", before, to=OTHERS, foreign_id="order 4"),
    )
    kept = foreign_ids(engine)
    assert kept == dict.fromkeys("123", ("DELIVERED", None)) | {"4": ("DELIVERED", "order 4")}
    assert not [row for row in rows(engine).values() if any(f"order {number}" in str(row) for number in "123")]


def test_who_is_written_to_anew_is_kept(engine: Engine, ledger: Ledger, backfill: Any):
    """A message that was sent after the erasure."""
    erased(engine, ledger, key=KEY)
    anew = (datetime.now(UTC) + timedelta(hours=1)).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S")
    backfill(outbound(1, "DELIVERED", anew, to=THEIRS, foreign_id="order 1"))
    assert foreign_ids(engine) == {"1": ("DELIVERED", "order 1")}


def test_without_a_key_a_blanked_row_says_so(engine: Engine, ledger: Ledger, accept: Accept):
    """A message whose webhook has not come, but that the journal had listed before its recipient was forgotten."""
    listed = outbound(1, "DELIVERED", ago(days=1), to=THEIRS, foreign_id="order 1")
    sent = SentMessages(engine, ForgottenRegister(None), RetentionSettings(), texts=False)
    sent.write([listed])
    erased(engine, ledger, key=None)
    sent.write([listed])
    with engine.connect() as connection:
        lacked = lacking(connection, [read_row("dlr", listed)], datetime.now(UTC), DEFAULT_OPTIONS)
    consumer = Consumer(ledger, Store(engine), CircuitBreaker(0.0))
    consumer.consume("dlr", [accept(*(each.envelope for each in lacked), queue="dlr")])
    assert foreign_ids(engine) == {"1": ("DELIVERED", None)}
    assert not [row for row in rows(engine).values() if "order 1" in str(row)]
