"""voice_status: the progress of a call we placed."""

from collections.abc import Iterable
from typing import ClassVar

from seven.call_reports import STATUSES, CallReport
from seven.field_types import ShortText
from seven.record import Record


class CallStatusUpdate(CallReport, event_type="voice_status"):
    """One status of one call."""

    title: ClassVar = "call statuses"
    example: ClassVar = {
        "callerId": "491771783130",
        "duration": "4",
        "id": "284195",
        "pricePerMinute": 0.075,
        "recipient": "4943160049851",
        "status": "completed",
        "timestamp": 1629786769,
    }

    status: ShortText

    def summary(self, masked: bool) -> str:
        """The status, and how long the call took once that is known."""
        status = self.status if not masked or STATUSES.rank(self.status) else "an unknown status"
        return status if not self.duration else f"{status}, {self.duration} s"

    def project(self) -> Iterable[Record]:
        """The call's standing, and one entry of its history."""
        return self.call()
