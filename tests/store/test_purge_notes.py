"""Purge notes: what this program noted itself is removed in time, whoever else should have removed it."""

from collections import Counter

import pytest
from sqlalchemy import Engine, insert, select

from ledger.client import Ledger
from seven.digest import short_digest
from store.purge_step import ROWS_AT_ONCE
from store.schema import changes, hook_changes, hook_spans, missed_webhooks, notifications
from tests.factories.aged_rows import DAY, NOW, keep_days, retain
from tests.factories.archive import delivery_id


def test_hook_changes_are_removed(ledger: Ledger, engine: Engine):
    """Old hook changes are removed, younger ones stay."""
    with engine.begin() as connection:
        for number, age in enumerate((91, 89)):
            at = NOW - age * DAY
            connection.execute(hook_changes.insert().values(id=delivery_id(at, number), at=at, action="missing"))
    assert retain(ledger, engine, keep_days(hook_changes=90)).removed == Counter(hook_changes=1)
    with engine.connect() as connection:
        assert connection.execute(select(hook_changes.c.at)).scalars().all() == [NOW - 89 * DAY]


def test_missed_webhooks_are_removed_with_hook_changes(ledger: Ledger, engine: Engine):
    """By when they happened, and hooks by when they were last seen; also more than one transaction takes."""
    with engine.begin() as connection:
        for number, at in enumerate([NOW - 91 * DAY] * (ROWS_AT_ONCE + 1) + [NOW - 89 * DAY]):
            missed = {"event_type": "dlr", "id": str(number), "status": "EXPIRED", "journal_at": at, "state": "missed"}
            connection.execute(missed_webhooks.insert().values(**missed))
        for at in (NOW - 91 * DAY, NOW - 89 * DAY):
            connection.execute(hook_spans.insert().values(hook_id="1", first_at=at - 9 * DAY, last_at=at))
    removed = retain(ledger, engine, keep_days(hook_changes=90)).removed
    assert removed == Counter(missed_webhooks=ROWS_AT_ONCE + 1, hook_spans=1)


def test_changes_are_removed_after_eight_days(ledger: Ledger, engine: Engine):
    """Whatever else is kept for ever; also more than one transaction takes."""
    with engine.begin() as connection:
        rows = [
            {"topic": "message.read", "key": str(number), "noted_at": NOW - age * DAY}
            for number in range(ROWS_AT_ONCE)
            for age in (7, 9)
        ]
        connection.execute(changes.insert(), [*rows, rows[1]])
    assert retain(ledger, engine, keep_days()).removed == Counter(changes=ROWS_AT_ONCE + 1)


def test_ids_that_are_digests_of_numbers_are_removed_after_a_month(ledger: Ledger, engine: Engine):
    """Of missed webhooks whose id the gateway made up all stay."""
    digest = short_digest("4915112345678", "4930123")
    with engine.begin() as connection:
        for id_, age in (("2043", 31), (digest, 31), (short_digest("other"), 29)):
            missed = {
                "event_type": "voice_call",
                "id": id_,
                "status": "",
                "journal_at": NOW - age * DAY,
                "state": "missed",
            }
            connection.execute(missed_webhooks.insert().values(**missed))
    assert retain(ledger, engine, keep_days()).removed == Counter(missed_webhooks=1)
    with engine.connect() as connection:
        assert digest not in connection.execute(select(missed_webhooks.c.id)).scalars().all()


def test_notifications_are_removed_without_a_dispatcher(ledger: Ledger, engine: Engine, dialect: str):
    """Settled or not, after eight days: nobody may ever subscribe again. SQLite has them in a file of its own."""
    if dialect == "sqlite":
        pytest.skip("the dispatcher's file is its own")
    with engine.begin() as connection:
        for number, (noted, settled) in enumerate([(9, 9), (9, None), (9, 7), (7, None)]):
            sent = (
                {"state": "sent", "settled_at": NOW - settled * DAY} if settled else {"state": "waiting", "due_at": NOW}
            )
            values = {"reaction": "shop", "path": "message", "key": str(number), "noted_at": NOW - noted * DAY, **sent}
            connection.execute(insert(notifications).values(values))
    retain(ledger, engine, keep_days())
    with engine.connect() as connection:
        assert sorted(connection.execute(select(notifications.c.key)).scalars()) == ["2", "3"]
