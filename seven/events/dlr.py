"""dlr: the network's latest word on a message we sent."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from seven.event import Event
from seven.field_types import ShortText
from seven.message_reports import STATUSES, MessageReport
from seven.record import Record
from seven.records import Message
from seven.timestamps import Moment


class StatusReport(Event, event_type="dlr"):
    """One status of one message, or that it was read. It names no recipient, label or price.

    Those are in the answer to the sending.
    """

    about: ClassVar = Message
    example: ClassVar = {"msg_id": "77149843739", "status": "TRANSMITTED", "timestamp": "2021-08-24 08:08:00.000000"}

    msg_id: ShortText
    status: ShortText  # not an enum: a status coined tomorrow must not become a dead letter
    timestamp: Moment | None = None  # Berlin wall time without offset
    foreign_id: ShortText | None = None  # not in the documented sample, read by receivers in production

    @property
    def _report(self) -> MessageReport:
        return MessageReport(self.msg_id, self.status, self.timestamp, self.reported_at, self.foreign_id)

    @property
    def at(self) -> datetime:
        """When the status was reached."""
        return self.timestamp or self.reported_at

    @property
    def subject(self) -> str:
        """The message's id, as the answer to its sending gave it."""
        return self.msg_id

    def summary(self, masked: bool) -> str:
        """The status."""
        return self._report.summary(masked)

    def project(self) -> Iterable[Record]:
        """The message's standing, and one entry of its history; or its receipt."""
        return self._report.records()


__all__ = ["STATUSES", "StatusReport"]
