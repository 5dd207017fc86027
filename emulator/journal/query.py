"""Requests for a page of a journal: which rows, and how many."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Self

from emulator.journal.rows import TIMES, JournalName, Row

MOST_ROWS = 100
"""A page's rows, by default and at most; what the gateway does beyond is unknown."""

_STATES: dict[JournalName, str] = {"outbound": "dlr", "voice": "status"}
_DAY = len("2023-08-23")


@dataclass(frozen=True, slots=True)
class JournalQuery:
    """The parameters, all optional. Each that cannot be read counts as absent; what the gateway does is unknown."""

    id: str | None = None
    to: str | None = None
    state: str | None = None
    """A status; journals without one ignore it."""
    first_day: date | None = None
    last_day: date | None = None
    """Berlin's days, both included."""
    limit: int = MOST_ROWS
    offset: int = 0

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Self:
        """Read a request's fields."""
        limit = _number(fields.get("limit"))
        return cls(
            id=fields.get("id") or None,
            to=fields.get("to") or None,
            state=fields.get("state") or None,
            first_day=_day(fields.get("date_from")),
            last_day=_day(fields.get("date_to")),
            limit=min(limit, MOST_ROWS) if limit else MOST_ROWS,
            offset=_number(fields.get("offset")) or 0,
        )

    def page(self, name: JournalName, rows: Iterable[Row]) -> list[Row]:
        """The page of these rows, which are in the journal's order."""
        matching = (row for row in rows if self._matches(name, row))
        return [*islice(matching, self.offset, self.offset + self.limit)]

    def _matches(self, name: JournalName, row: Row) -> bool:
        day = row[TIMES[name]][:_DAY]
        return (
            self.id in (None, row["id"])
            and self.to in (None, row.get("to", row.get("system")))
            and (name not in _STATES or self.state in (None, row.get(_STATES[name])))
            and (self.first_day is None or self.first_day.isoformat() <= day)
            and (self.last_day is None or day <= self.last_day.isoformat())
        )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
