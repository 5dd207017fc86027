"""Purge of what was sent: texts first, then rows, by the time of sending, in both databases."""

from collections import Counter
from datetime import datetime

from sqlalchemy import Engine

from ledger.client import Ledger
from seven.records import SentMessage
from store.row_writer import Store
from tests.factories.aged_rows import DAY, NOW, keep_days, retain, rows_of
from tests.factories.archive import put


def sent(number: int, at: datetime | None) -> SentMessage:
    return SentMessage(f"{number}", at, "491512345678", text="hello", journal_read_at=NOW)


def test_rows_and_texts_go_by_the_time_of_sending(ledger: Ledger, engine: Engine):
    """However lately they were read, and though blanking a text is a change."""
    Store(engine).write(sent(days, NOW - days * DAY) for days in (89, 91, 399, 401))
    keep = keep_days(sent_messages=400, sent_texts=90)
    result = retain(ledger, engine, keep)
    assert (result.removed, result.blanked) == (Counter(sent_messages=1), Counter(sent_messages=2))
    assert {number: row.text for number, row in rows_of(engine, "sent_messages").items()} == {
        "89": "hello", "91": None, "399": None,
    }  # fmt: skip
    result = retain(ledger, engine, keep)
    assert not result.removed
    assert not result.blanked


def test_a_message_without_a_time_goes_by_its_last_change(ledger: Ledger, engine: Engine):
    put(engine, sent(1, None), NOW - 401 * DAY)
    put(engine, sent(2, None), NOW - 399 * DAY)
    put(engine, sent(3, NOW - 399 * DAY), NOW - 401 * DAY)
    retain(ledger, engine, keep_days(sent_messages=400))
    assert set(rows_of(engine, "sent_messages")) == {"2", "3"}


def test_for_ever_is_for_ever(ledger: Ledger, engine: Engine):
    Store(engine).write([sent(1, NOW - 4000 * DAY)])
    assert not retain(ledger, engine, keep_days()).blanked
    assert len(rows_of(engine, "sent_messages")) == 1
