"""voice_call: someone calls one of our numbers."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from seven.digest import id_or_digest
from seven.event import Event
from seven.field_types import PhoneNumber, ShortText
from seven.record import Record
from seven.records import Call
from seven.timestamps import Moment


class IncomingCall(Event, event_type="voice_call"):
    """One incoming call. A recorded real call has the id 0, so ids are not always unique."""

    title: ClassVar = "inbound calls"
    about: ClassVar = Call
    example: ClassVar = {"id": 2043, "caller": "491771783130", "system": "4943160049851", "time": 1629786700}

    id: ShortText | None = None
    caller: PhoneNumber | None = Field(None, validate_default=True)
    """None if it is withheld."""
    system: PhoneNumber | None = None  # the number that was called
    time: Moment | None = None

    @field_validator("caller")
    @classmethod
    def _tells_calls_apart(cls, caller: str | None, others: ValidationInfo) -> str | None:
        """A call without an id of its own is known by its caller."""
        if caller is None and others.data.get("id") in (None, "0"):
            raise ValueError("missing or empty")
        return caller

    @property
    def at(self) -> datetime:
        """When the call came in."""
        return self.time or self.reported_at

    @property
    def call_id(self) -> str:
        """The vendor's id, or a digest of caller, number and second."""
        return id_or_digest(self.id, self.caller, self.system, self.time)

    @property
    def subject(self) -> str:
        """Direction and id."""
        return f"inbound {self.call_id}"

    def summary(self, masked: bool) -> str:
        """Who calls."""
        return "an incoming call" if masked else f"from {self.caller or 'a withheld number'}"

    def project(self) -> Iterable[Record]:
        """The call; the gateway does not report its end."""
        yield Call(
            direction="inbound",
            call_id=self.call_id,
            caller=self.caller,
            recipient=self.system,
            final=False,
            started_at=self.at,
        )
