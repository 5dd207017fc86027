"""dlr: the network's latest word on an SMS we sent."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from seven.event import Event
from seven.field_types import ShortText
from seven.record import Record
from seven.records import Message, MessageStatus
from seven.statuses import Statuses
from seven.timestamps import Moment

# Words from the vendor's status-reports page. It does not say which are final: five independent receivers agree on
# these. Of two final statuses reported for one instant, the later in this order stands.
STATUSES = Statuses(
    passing=("ACCEPTED", "BUFFERED", "TRANSMITTED"),
    final=("REJECTED", "FAILED", "NOTDELIVERED", "EXPIRED", "DELIVERED"),
    results=(
        ("pending", frozenset({"ACCEPTED", "BUFFERED", "TRANSMITTED"})),
        ("failed", frozenset({"REJECTED", "FAILED", "NOTDELIVERED", "EXPIRED"})),
        ("delivered", frozenset({"DELIVERED"})),
    ),
)


class StatusReport(Event, event_type="dlr"):
    """One status of one message. It names no recipient, label or price: those are in the answer to the sending."""

    about: ClassVar = Message
    example: ClassVar = {"msg_id": "77149843739", "status": "TRANSMITTED", "timestamp": "2021-08-24 08:08:00.000000"}

    msg_id: ShortText
    status: ShortText  # not an enum: a status coined tomorrow must not become a dead letter
    timestamp: Moment | None = None  # Berlin wall time without offset
    foreign_id: ShortText | None = None  # not in the documented sample, read by receivers in production

    @property
    def at(self) -> datetime:
        """When the status was reached."""
        return self.timestamp or self.reported_at

    @property
    def undated(self) -> bool | None:
        """Whether the report has no time; None if it has one."""
        return True if self.timestamp is None else None

    @property
    def subject(self) -> str:
        """The message's id, as the answer to its sending gave it."""
        return self.msg_id

    def summary(self, masked: bool) -> str:
        """The status."""
        return self.status if not masked or STATUSES.rank(self.status) else "an unknown status"

    def project(self) -> Iterable[Record]:
        """The message's standing, and one entry of its history."""
        result = STATUSES.result(self.status)
        yield Message(
            msg_id=self.msg_id,
            final=STATUSES.is_final(self.status),
            status_at=self.at,
            rank=STATUSES.rank(self.status),
            status=self.status,
            result=result,
            undated=self.undated,
            foreign_id=self.foreign_id,
            first_seen_at=self.at,
            last_seen_at=self.timestamp,
            delivered_at=self.at if result == "delivered" else None,
        )
        yield MessageStatus(msg_id=self.msg_id, status=self.status, at=self.at, undated=self.undated)
