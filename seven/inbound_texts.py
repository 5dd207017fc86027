"""Inbound texts: what an SMS and a WhatsApp message to one of our numbers have in common."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from seven.digest import id_or_digest
from seven.event import Event
from seven.field_types import PhoneNumber, ShortText, Text
from seven.record import Record
from seven.records import InboundMessage
from seven.timestamps import Moment
from seven.visible_text import text_summary


class InboundText(Event):
    """One inbound text. Subclasses are event types, each of one channel."""

    about: ClassVar = InboundMessage
    channel: ClassVar[str]
    digest_begins: ClassVar[tuple[str, ...]] = ()
    """What tells the digest of a message without an id from that of another channel."""

    id: ShortText | None = None
    sender: PhoneNumber  # a number, or a name such as "SMS"
    system: PhoneNumber | None = None  # the inbound number
    text: Text = ""
    time: Moment | None = None
    message_type: Text | None = None  # absent before 2024

    @property
    def at(self) -> datetime:
        """When it was sent."""
        return self.time or self.reported_at

    @property
    def subject(self) -> str:
        """The vendor's id, or a digest of sender, number, second and text."""
        return id_or_digest(self.id, *self.digest_begins, self.sender, self.system, self.time, self.text)

    def summary(self, masked: bool) -> str:
        """The text, or how long it is."""
        return text_summary(self.text, masked)

    def project(self) -> Iterable[Record]:
        """The message itself."""
        yield InboundMessage(
            id=self.subject,
            sender=self.sender,
            recipient=self.system,
            text=self.text,
            sent_at=self.at,
            message_type=self.message_type,
            channel=self.channel,
        )
