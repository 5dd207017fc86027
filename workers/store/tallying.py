"""Tallying: ordinals whose rows are gone are kept as runs, so that the audit knows them from losses."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, insert

from ledger.runs import Run
from workers.store.counting import Place
from workers.store.tables import tallies

Fate = Literal["removed", "lost"]
"""removed: by retention; lost: a loss that an operator has taken note of."""


def tally(connection: Connection, place: Place, some: Iterable[Run], fate: Fate, received_at: datetime | None) -> None:
    """Keep what became of these ordinals, in the transaction that has their rows removed.

    `received_at` is the latest receipt among them; None where nobody knows it.
    """
    life, queue = place
    now = datetime.now(UTC)
    rows = [
        {
            "ledger": life,
            "queue": queue,
            "first_ordinal": first,
            "last_ordinal": last,
            "fate": fate,
            "received_at": received_at,
            "tallied_at": now,
        }
        for first, last in some
    ]
    if rows:
        connection.execute(insert(tallies), rows)
