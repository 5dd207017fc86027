"""dlr: the network's latest word on a message we sent."""

from collections.abc import Iterable
from typing import ClassVar

from seven.message_reports import MessageReport
from seven.record import Record


class StatusReport(MessageReport, event_type="dlr"):
    """One status of one message, or that it was read. It names no recipient, label or price.

    Those are in the answer to the sending.
    """

    title: ClassVar = "message statuses"
    example: ClassVar = {"msg_id": "77149843739", "status": "TRANSMITTED", "timestamp": "2021-08-24 08:08:00.000000"}

    def project(self) -> Iterable[Record]:
        """The message's standing, and one entry of its history; or its receipt."""
        return self.records()
