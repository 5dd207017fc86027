"""voice_status: the progress of a call we placed."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from seven.event import Event
from seven.field_types import Count, PhoneNumber, Price, ShortText
from seven.record import Record
from seven.records import Call, CallStatus
from seven.statuses import Statuses
from seven.timestamps import Moment

# Words from the vendor's voice page; queued, busy and canceled are inferred (the vendor's carrier uses them).
STATUSES = Statuses(
    passing=("queued", "initiated", "ringing", "in-progress"),
    final=("canceled", "failed", "busy", "no-answer", "completed"),
)


class CallStatusUpdate(Event, event_type="voice_status"):
    """One status of one call."""

    about: ClassVar = Call
    example: ClassVar = {
        "callerId": "491771783130",
        "duration": "4",
        "id": "284195",
        "pricePerMinute": 0.075,
        "recipient": "4943160049851",
        "status": "completed",
        "timestamp": 1629786769,
    }

    id: ShortText
    status: ShortText
    callerId: PhoneNumber | None = None  # noqa: N815 - the vendor's name
    recipient: PhoneNumber | None = None
    duration: Count | None = None  # seconds, reported when the call has ended
    pricePerMinute: Price | None = None  # noqa: N815 - the vendor's name; euros
    total_price: Price | None = None  # in newer types only
    foreign_id: ShortText | None = None
    timestamp: Moment | None = None

    @property
    def at(self) -> datetime:
        """When the status was reached."""
        return self.timestamp or self.reported_at

    @property
    def undated(self) -> bool | None:
        """Whether the update has no time; None if it has one."""
        return True if self.timestamp is None else None

    @property
    def subject(self) -> str:
        """Direction and id."""
        return f"outbound {self.id}"

    def summary(self, masked: bool) -> str:
        """The status, and how long the call took once that is known."""
        status = self.status if not masked or STATUSES.rank(self.status) else "an unknown status"
        return status if not self.duration else f"{status}, {self.duration} s"

    def project(self) -> Iterable[Record]:
        """The call's standing, and one entry of its history."""
        yield Call(
            direction="outbound",
            call_id=self.id,
            caller=self.callerId,
            recipient=self.recipient,
            final=STATUSES.is_final(self.status),
            status_at=self.at,
            rank=STATUSES.rank(self.status),
            status=self.status,
            undated=self.undated,
            duration_s=self.duration,
            price_per_minute=self.pricePerMinute,
            total_price=self.total_price,
            foreign_id=self.foreign_id,
            started_at=self.at,
        )
        yield CallStatus(direction="outbound", call_id=self.id, status=self.status, at=self.at, undated=self.undated)
