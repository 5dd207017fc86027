"""Histories: entries without a time of their own, of which the earliest receipt of each status is kept.

The gateway repeats deliveries, and a repeat of an event without a time looks like the event happening again. So such
entries of one status are one entry. `store/histories.py` has the same in SQL; a property test proves the two equal.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

Entry = TypeVar("Entry")


def is_undated(record: Any) -> bool:
    """Whether it is an entry of a history that came, perhaps among others, from an event without a time."""
    return bool(record.history_of) and record.undated is not None


def keep_earliest(records: Iterable[Entry]) -> list[Entry]:
    """Leave out undated entries but for the earliest of each status; everything else stays, in its order.

    An entry that came also from an event with a time stays for that.
    """
    rows = list(records)
    first: dict[tuple[Any, ...], datetime] = {}
    for row in filter(is_undated, rows):
        status, at = _status(row)
        first[status] = min(at, first.get(status, at))
    return [kept for row in rows if (kept := _settled(row, first))] if first else rows


def _status(entry: Any) -> tuple[tuple[Any, ...], datetime]:
    """What the entry is about, and its time."""
    return (entry.table, *(getattr(entry, name) for name in entry.history_of)), entry.at


def _settled(row: Any, first: dict[tuple[Any, ...], datetime]) -> Any:
    if not is_undated(row):
        return row
    status, at = _status(row)
    if at == first[status]:
        return row
    return None if row.undated else replace(row, undated=None)
