"""Acknowledging: an operator takes note of what an audit found, so that an old loss does not hide a new one."""

from datetime import UTC, datetime

from sqlalchemy import Connection, update

from seven.ranges import runs
from seven.records import LedgerMark, fold
from store.row_writer import Store, join
from store.schema import ledger_marks
from store.tallies import tally
from workers.auditing import Audit


def acknowledge(store: Store, audit: Audit) -> None:
    """Count what is missing as lost, what is doubled as known, and earlier lives as ended. Raises StoreAway."""

    def attempt(connection: Connection) -> None:
        for one in (*audit.series, *audit.earlier):
            place = (one.life, one.queue)
            tally(connection, place, one.missing_runs, "lost")
            tally(connection, place, runs((ordinal, ordinal) for ordinal in one.doubled_ordinals), "doubled")
        join(connection, fold(LedgerMark(one.life, one.queue, one.given_out) for one in audit.earlier))
        lives = {one.life for one in audit.earlier}
        closing = update(ledger_marks).where(ledger_marks.c.ledger.in_(lives), ledger_marks.c.closed_at.is_(None))
        connection.execute(closing.values(closed_at=datetime.now(UTC)))

    store.transact(attempt)
