"""Purge of what was no batch: it has no time of receipt, in both databases."""

from collections import Counter
from dataclasses import replace

from sqlalchemy import Engine

from ledger.client import Ledger
from seven.archive_records import DeadLetter
from store.row_writer import Store
from tests.factories.aged_rows import DAY, NOW, keep_days, retain, row, rows_of, tallied_ranges


def test_what_was_no_batch_is_blanked(ledger: Ledger, engine: Engine):
    """It has no time of receipt: it is blanked, and once discarded removed, by when a worker failed to read it."""
    ages = {1: 366 * DAY, 2: 364 * DAY, 3: 366 * DAY, 4: 364 * DAY, 5: 366 * DAY, 6: 364 * DAY}
    rows = {
        number: row(number, age, "dead", received_at=None, ordinal=None, payload="base64:eA==")
        for number, age in ages.items()
    }
    Store(engine).write(replace(each, outcome="discarded" if number > 2 else "dead") for number, each in rows.items())
    letters = [number for number in rows if number < 5]  # of the others only the time in the id is left
    Store(engine).write(
        DeadLetter(rows[number].id, envelope="base64:eA==", failed_at=NOW - ages[number], attempts=1)
        for number in letters
    )
    result = retain(ledger, engine, keep_days(unapplied=365))
    assert result.blanked == Counter(deliveries=3, dead_letters=2)
    kept = {delivery.id for delivery in rows_of(engine, "deliveries").values() if delivery.payload}
    assert kept == {rows[number].id for number in (2, 4, 6)}
    assert not retain(ledger, engine, keep_days(unapplied=365)).blanked
    assert retain(ledger, engine, keep_days(deliveries=365)).removed == Counter(deliveries=2, dead_letters=1)
    assert tallied_ranges(engine) == []
