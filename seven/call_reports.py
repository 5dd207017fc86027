"""Call reports: what several event types say of a call we placed, with the order of its statuses."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from seven.event import Event
from seven.field_types import Count, PhoneNumber, Price, Reference, ShortText
from seven.record import Record
from seven.records import Call, CallStatus
from seven.statuses import Statuses
from seven.timestamps import Moment

# Words from the vendor's voice page; queued, busy and canceled are inferred (the vendor's carrier uses them).
STATUSES = Statuses(
    passing=("queued", "initiated", "ringing", "in-progress"),
    final=("canceled", "failed", "busy", "no-answer", "completed"),
)


class CallReport(Event):
    """A report on one outbound call. Subclasses are event types, and say which fields beside the id they need."""

    about: ClassVar = Call

    id: ShortText
    status: ShortText | None = None
    callerId: PhoneNumber | None = None  # noqa: N815 - the vendor's name
    recipient: PhoneNumber | None = None
    duration: Count | None = None  # seconds, reported when the call has ended
    pricePerMinute: Price | None = None  # noqa: N815 - the vendor's name; euros
    total_price: Price | None = None  # in newer types only
    foreign_id: Reference | None = None
    timestamp: Moment | None = None

    @property
    def at(self) -> datetime:
        """When it happened: the report's own time, else that of its sending."""
        return self.timestamp or self.reported_at

    @property
    def undated(self) -> bool | None:
        """Whether the report has no time; None if it has one."""
        return True if self.timestamp is None else None

    @property
    def subject(self) -> str:
        """Direction and id."""
        return f"outbound {self.id}"

    def call(self) -> Iterable[Record]:
        """The call's standing, and one entry of its history; without a status only what else is said of the call."""
        status = self.status
        yield Call(
            direction="outbound",
            call_id=self.id,
            caller=self.callerId,
            recipient=self.recipient,
            final=status is not None and STATUSES.is_final(status),
            status_at=None if status is None else self.at,
            rank=None if status is None else STATUSES.rank(status),
            status=status,
            undated=None if status is None else self.undated,
            duration_s=self.duration,
            price_per_minute=self.pricePerMinute,
            total_price=self.total_price,
            foreign_id=self.foreign_id,
            started_at=self.at,
        )
        if status is not None:
            yield CallStatus(direction="outbound", call_id=self.id, status=status, at=self.at, undated=self.undated)
