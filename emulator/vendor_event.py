"""Events as the gateway sends them, in the vendor's field names and notations of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seven.timestamps import BERLIN


@dataclass(frozen=True, slots=True)
class Sent:
    """A message or call that we sent: what the journal tells of it, and no event does."""

    at: datetime
    sender: str
    recipient: str
    text: str
    price: float
    """Euros, of the message or of a minute of the call."""
    mccmnc: str | None = None
    label: str | None = None
    channel: str = "sms"


@dataclass(frozen=True, slots=True)
class VendorEvent:
    """One event at the gateway, before it is written as a request."""

    event_type: str
    fields: Mapping[str, Any]
    """The `data`, typed as in the vendor's samples: ids and times are numbers or strings of digits."""
    occurred_at: datetime
    sent: Sent | None = None
    """The message or call whose status this is; None for all other events."""

    @property
    def webhook_timestamp(self) -> str:
        """The notation of most of the vendor's samples: `2021-08-24T08:08:00+02:00`, Berlin time to the second."""
        return self.occurred_at.astimezone(BERLIN).isoformat(timespec="seconds")


def wall_clock(moment: datetime) -> str:
    """A status report's `timestamp`: Berlin wall time without offset, `2021-08-24 08:08:00.000000`.

    In the repeated hour of autumn it is ambiguous, as is the gateway's own.
    """
    return moment.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S.%f")


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970, UTC."""
    return int(moment.timestamp())
