"""The journals, in memory."""

from collections.abc import Sequence
from decimal import Decimal

from emulator.journal.rows import JOURNALS, TIMES, JournalName, JournalRows, Row, row_key

MOST_ROWS = 200_000
"""Rows that a journal keeps, the latest added: two of the largest scenarios."""


class Journals:
    """What was played. A scenario that is played again replaces its rows."""

    def __init__(self) -> None:
        self._rows: dict[JournalName, dict[object, Row]] = {name: {} for name in JOURNALS}
        self._ordered: dict[JournalName, list[Row]] = {}

    def cost(self, rows: JournalRows) -> Decimal:
        """The euros that those of a scenario's rows cost that are new."""
        new = (row for name, added in rows.items() for row in added if row_key(row) not in self._rows[name])
        return sum((Decimal(row.get("price", 0)) for row in new), Decimal(0))

    def add(self, rows: JournalRows) -> None:
        """Add rows."""
        for name, added in rows.items():
            journal = self._rows[name]
            journal.update((row_key(row), row) for row in added)
            for key in [*journal][: max(0, len(journal) - MOST_ROWS)]:
                del journal[key]
            self._ordered.pop(name, None)

    def read(self, name: JournalName) -> Sequence[Row]:
        """All rows: messages by id downwards, which is not the order of time, and calls by time downwards."""
        if name not in self._ordered:
            by_time = name in ("voice", "voice_call")
            self._ordered[name] = sorted(
                self._rows[name].values(),
                key=lambda row: (row[TIMES[name]] if by_time else "", int(row["id"])),
                reverse=True,
            )
        return self._ordered[name]

    def grow(self, name: JournalName, count: int) -> None:
        """Add rows like the first one, with the next ids: what others send of this account. An empty journal stays."""
        if count and (rows := self.read(name)):
            last_id = max(int(row["id"]) for row in rows)
            self.add({name: [{**rows[0], "id": str(last_id + n)} for n in range(1, count + 1)]})
