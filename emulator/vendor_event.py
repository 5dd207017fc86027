"""Occurrence: something that the gateway has to tell, in the vendor's field names and notations of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seven.timestamps import BERLIN


@dataclass(frozen=True, slots=True)
class VendorEvent:
    """One event as the gateway sees it, before it is written in a request method."""

    event_type: str
    fields: Mapping[str, Any]
    """The `data`, typed as in the vendor's samples: a number here, a string of digits there."""
    told_at: datetime

    @property
    def webhook_timestamp(self) -> str:
        """As in most of the vendor's samples: `2021-08-24T08:08:00+02:00`, Berlin time to the second."""
        return self.told_at.astimezone(BERLIN).isoformat(timespec="seconds")


def wall_clock(moment: datetime) -> str:
    """A status report's `timestamp`: Berlin wall time without offset, `2021-08-24 08:08:00.000000`.

    In the ambiguous hour of autumn it is as ambiguous as the gateway's own.
    """
    return moment.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S.%f")


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970, UTC."""
    return int(moment.timestamp())
