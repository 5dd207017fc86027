"""Purge step: one short transaction of a purge, and where the next one goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select

ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction did: rows by table."""

    removed: Mapping[str, int] = field(default_factory=dict)
    blanked: Mapping[str, int] = field(default_factory=dict)
    resume_after: str | None = None
    """The row after which the next transaction continues; empty for the beginning, None if nothing is left to do."""


def limited(query: Select[Any]) -> Select[Any]:
    """Limit a query to ROWS_AT_ONCE rows, and skip rows that other transactions have locked."""
    return query.limit(ROWS_AT_ONCE).with_for_update(skip_locked=True)


def last_of_full(keys: Sequence[Any]) -> str | None:
    """The last key if the step was full; else None: nothing is left."""
    return str(keys[-1]) if len(keys) == ROWS_AT_ONCE else None
