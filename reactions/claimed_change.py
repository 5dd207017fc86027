"""Claimed change: a row of `changes` that is about to be sent."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ClaimedChange:
    """One change as it was noted: ids and statuses, no number and no text."""

    seq: int
    topic: str
    key: str
    was: str | None
    now: str
    at: datetime | None
    delivery_id: str | None
