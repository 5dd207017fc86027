"""Faults of the journal, as recorded, measured or feared."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import Field
from starlette.responses import Response

from emulator.answers import json_answer
from emulator.faults import Fault
from emulator.journal.query import MOST_ROWS, JournalQuery
from emulator.journal.rows import TIMES, JournalName, Row

IMPOSSIBLE_TIME = "05:50:63"  # of a row in a recorded answer
_OLDER_NAMES = {"from": "sender", "to": "system", "timestamp": "time"}


class JournalFault(Fault):
    """A fault of the journal."""

    conditions: ClassVar[frozenset[str]] = frozenset({"journals", "times"})

    empty: bool = False
    """The answer is `[]`, whatever was played; without `times` the journal is switched off."""
    half: bool = False
    """The answer ends in its middle."""
    impossible_time: bool = False
    """The first row's time has the second 63: `05:50:63.102`."""
    no_object: bool = False
    """One more row, the first, is an empty list."""
    older: bool = False
    """Older shapes: outbound without `channel`; inbound with `sender`, `system` and `time`, and its price as text."""
    ignore_offset: bool = False
    """Every page is the first."""
    exclude_date_to: bool = False
    """The day `date_to` is not included; whether it is, is unknown of the gateway."""
    grow: int = Field(0, ge=0, le=MOST_ROWS)
    """Rows added to the journal after the answer, above the others: the next page is shifted."""
    journals: tuple[JournalName, ...] = ()
    """The affected journals; all without any."""

    def applies_to(self, subject: str) -> bool:
        """Whether requests for this journal are affected."""
        return not self.journals or subject in self.journals

    def distort_query(self, query: JournalQuery) -> JournalQuery:
        """The query as this fault has it understood."""
        if self.exclude_date_to and query.last_day is not None:
            query = replace(query, last_day=query.last_day - timedelta(days=1))
        return replace(query, offset=0) if self.ignore_offset else query

    def distort(self, name: JournalName, rows: Sequence[Row]) -> Response:
        """The answer of these rows with this fault's distortions."""
        page: list[Any] = [] if self.empty else [*rows]
        if page and self.impossible_time:
            page[0] = _with_impossible_time(page[0], TIMES[name])
        if self.older:
            page = [_older(name, row) for row in page]
        if self.no_object:
            page.insert(0, [])
        answer = json_answer(page)
        return Response(answer.body[: len(answer.body) // 2], media_type=answer.media_type) if self.half else answer


def _with_impossible_time(row: Row, name: str) -> Row:
    day, _, clock = row[name].partition(" ")
    return {**row, name: f"{day} {IMPOSSIBLE_TIME}{'.102' if '.' in clock else ''}"}


def _older(name: JournalName, row: Row) -> Row:
    if name == "outbound":
        return {key: value for key, value in row.items() if key != "channel"}
    if name == "inbound":
        renamed = {_OLDER_NAMES.get(key, key): value for key, value in row.items()}
        return {**renamed, "price": _older_price(row.get("price"))}
    return row


def _older_price(price: object) -> object:
    """The price as text; what is no number, in a row that was added, as it is."""
    return f"{Decimal(price or 0):.4f}" if price is None or isinstance(price, int | float) else price
