"""Texts that begin as stored bytes do, `base64:`, and are none: people may send them, and nothing takes them for bytes."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from uuid_utils import uuid7

from ledger.client import Ledger
from operations.journal_comparison import lacking
from seven.envelope import Envelope
from seven.forgotten_numbers import ErasureKey
from seven.journal import read_row
from seven.records import InboundMessage
from store.circuit_breaker import CircuitBreaker
from store.forgotten import ForgottenRegister
from store.projection_options import DEFAULT_OPTIONS
from store.row_writer import Store
from tests.factories.archive import rows
from tests.factories.envelopes import Accept
from tests.factories.traces import OTHERS
from tests.gateway.journal_stub import ago
from tests.operations.erasures import erased
from workers.consumer import Consumer

KEY = ErasureKey("a-key-that-only-tests-know")
TEXTS = ("base64: hi", "base64:!", "base64:YmFzZTY0OiE=", "STOP")
"""The third is the second in base64."""


@pytest.fixture
def register(engine: Engine, ledger: Ledger) -> ForgottenRegister:
    """Somebody else is forgotten, so that every payload is searched."""
    erased(engine, ledger, key=KEY)
    return ForgottenRegister(KEY)


def test_a_worker_stores_them(engine: Engine, ledger: Ledger, accept: Accept, register: ForgottenRegister):
    """With what came beside them."""
    now = datetime.now(UTC)
    inbound = [
        Envelope(
            id=str(uuid7()),
            event_type="sms_mo",
            received_at=now,
            request_method="JSON",
            payload={"data": {"id": str(number), "sender": OTHERS, "text": text, "time": int(now.timestamp())}},
        )
        for number, text in enumerate(TEXTS)
    ]
    batch = accept(*inbound, queue="sms_mo")
    Consumer(ledger, Store(engine, register), CircuitBreaker(0.0)).consume("sms_mo", [batch])
    messages = (row for row in rows(engine).values() if isinstance(row, InboundMessage))
    assert {row.text for row in messages} == set(TEXTS)


def test_the_journal_has_them(engine: Engine, register: ForgottenRegister):
    """They are lacking as any other text."""
    listed = [
        {"id": str(number), "from": OTHERS, "to": "4930123456", "text": text, "timestamp": ago(days=1), "price": "0"}
        for number, text in enumerate(TEXTS)
    ]
    with engine.connect() as connection:
        options = DEFAULT_OPTIONS.with_forgotten(register.read(connection))
        lacked = lacking(connection, [read_row("sms_mo", row) for row in listed], datetime.now(UTC), options)
    assert len(lacked) == len(TEXTS)


def test_an_erasure_reads_a_body_of_that_kind(engine: Engine, ledger: Ledger, accept: Accept):
    """As it was parked."""
    body = Envelope(
        id=str(uuid7()),
        event_type=None,
        received_at=datetime.now(UTC),
        request_method="POST",
        payload=b"base64:!",
        reason="undecodable",
    )
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("parked", [accept(body, queue="parked")])
    erased(engine, ledger)
