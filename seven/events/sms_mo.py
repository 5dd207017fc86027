"""sms_mo: an SMS that someone sent to one of our numbers."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from seven.digest import short_digest
from seven.event import Event
from seven.field_types import PhoneNumber, ShortText, Text
from seven.record import Record
from seven.records import InboundMessage
from seven.timestamps import Moment
from seven.visible_text import text_summary


class InboundSms(Event, event_type="sms_mo"):
    """One inbound SMS. The documented flat GET carries no id."""

    about: ClassVar = InboundMessage
    example: ClassVar = {
        "id": "681590",
        "sender": "SMS",
        "system": "491771783130",
        "text": "Hello. I am an example for demonstrating a webhook payload.",
        "time": "1605878104",
    }

    id: ShortText | None = None
    sender: PhoneNumber  # a number, or a name such as "SMS"
    system: PhoneNumber | None = None  # the inbound number
    text: Text = ""
    time: Moment | None = None
    message_type: Text | None = None  # absent before 2024

    @property
    def at(self) -> datetime:
        """When the SMS was sent."""
        return self.time or self.reported_at

    @property
    def subject(self) -> str:
        """The vendor's id; where it is absent, empty or 0, a digest of sender, number, second and text.

        Not of the time of the report: a repeat may renew it.
        """
        if self.id is None or self.id == "0":
            return short_digest(self.sender, self.system, self.time, self.text)
        return self.id

    def summary(self, masked: bool) -> str:
        """The text, or how long it is."""
        return text_summary(self.text, masked)

    def project(self) -> Iterable[Record]:
        """The SMS itself."""
        yield InboundMessage(
            id=self.subject,
            sender=self.sender,
            recipient=self.system,
            text=self.text,
            sent_at=self.at,
            message_type=self.message_type,
            channel="sms",
        )
