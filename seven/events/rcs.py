"""rcs: what people write to our RCS agents, and what became of the RCS messages we sent; in one event type.

Fields from the vendor's own JavaScript client (types of its hooks).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from seven.digest import id_or_digest, rcs_content, short_digest
from seven.errors import InvalidPayload, NotUnderstood
from seven.event import Event, is_blank
from seven.field_types import PhoneNumber, Reference, ShortText, Text
from seven.message_reports import MessageReport
from seven.parsing import unpacked
from seven.record import Record
from seven.records import InboundMessage, Message
from seven.timestamps import Moment
from seven.visible_text import text_summary

_TYPING = "is_typing"
_STATUS = frozenset({"msg_id", "status"})
_CONTENT = frozenset({"content_type", "text", "suggestion_response", "user_file", "location"})
_OF_MESSAGES = frozenset({"id", "message_type", "time"})


_PARTS = ("suggestion_response", "user_file", "location")
"""The content types whose content has a field of the same name; a text may be empty."""


class RcsEvent(Event, event_type="rcs"):
    """A message to one of our agents, a status of a message we sent, or that somebody is typing."""

    title: ClassVar = "RCS messages and receipts"
    example: ClassVar = {
        "id": 681591,
        "sender": "491771783130",
        "time": 1722576539,
        "message_type": "RCS",
        "content_type": "text",
        "agent_id": "example_agent",
        "text": "Hello. I am an example of an inbound RCS message.",
    }

    @classmethod
    def shape_of(cls, fields: Mapping[str, Any]) -> type[Any]:
        """By the fields that only one of them has. Raises InvalidPayload where there is none of these."""
        if str(fields.get("status")).strip().casefold() == _TYPING:
            return RcsTyping
        if fields.keys() >= _STATUS:
            return RcsStatus
        if fields.keys() & _CONTENT:
            return _with_content(fields)
        if fields.keys() & _STATUS:
            return RcsStatus
        if fields.keys() & _OF_MESSAGES:
            return RcsMessage
        raise InvalidPayload("rcs: neither a message nor a status", {"status": "missing or empty"})


def _with_content(fields: Mapping[str, Any]) -> type["RcsMessage"]:
    kind = str(fields.get("content_type")).strip().casefold()
    if kind in _PARTS and not fields.get(kind):
        raise InvalidPayload(f"rcs: {kind}: missing or empty", {kind: "missing or empty"})
    return RcsMessage


def _filled(value: Any) -> Any:
    """A nested object without its blank values; None for an empty one, which PHP writes as a list."""
    if value == []:
        return None
    try:
        value = unpacked(value)
    except NotUnderstood as error:
        raise ValueError(str(error)) from None
    if not isinstance(value, dict):
        raise ValueError("an object is expected")
    return {name: inner for name, inner in value.items() if not is_blank(inner)} or None


_Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
_Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Suggestion(_Part):
    postbackData: Text | None = None  # noqa: N815 - the vendor's name
    text: Text = ""


class _File(_Part):
    fileName: Text | None = None  # noqa: N815 - the vendor's name
    fileUri: Text | None = None  # noqa: N815 - the vendor's name
    mimeType: Text | None = None  # noqa: N815 - the vendor's name


class _UserFile(_Part):
    payload: Annotated[_File | None, BeforeValidator(_filled)] = None


class _Location(_Part):
    latitude: _Latitude
    longitude: _Longitude


class RcsMessage(RcsEvent):
    """A message to one of our agents; its ids are in the space of those of inbound SMS."""

    about: ClassVar = InboundMessage

    id: ShortText | None = None
    sender: PhoneNumber
    agent_id: Reference | None = None  # who of us it was sent to
    time: Moment | None = None
    message_type: Text | None = None
    content_type: ShortText | None = None  # a kind of content coined tomorrow is still a message
    text: Text = ""
    suggestion_response: Annotated[_Suggestion | None, BeforeValidator(_filled)] = None
    user_file: Annotated[_UserFile | None, BeforeValidator(_filled)] = None
    location: Annotated[_Location | None, BeforeValidator(_filled)] = None

    @property
    def at(self) -> datetime:
        """When it was sent."""
        return self.time or self.reported_at

    @property
    def subject(self) -> str:
        """The vendor's id, or a digest of sender, agent, second and content."""
        place = f"{self.location.latitude} {self.location.longitude}" if self.location else None
        content = (self._text, self._postback, self._file.fileUri, place)
        return id_or_digest(self.id, *rcs_content(self.sender, self.agent_id, self.time, *content))

    @property
    def _text(self) -> str:
        return self.text or (self.suggestion_response.text if self.suggestion_response else "")

    @property
    def _postback(self) -> str | None:
        return self.suggestion_response.postbackData if self.suggestion_response else None

    @property
    def _file(self) -> _File:
        return (self.user_file and self.user_file.payload) or _File()

    def summary(self, masked: bool) -> str:
        """The text, or how long it is; of another content its name or place."""
        if self.user_file:
            return f"a file: {self._file.fileName}" if self._file.fileName and not masked else "a file"
        if self.location:
            return "a place" if masked else f"a place: {self.location.latitude}, {self.location.longitude}"
        return text_summary(self._text, masked)

    def project(self) -> Iterable[Record]:
        """The message itself. Its text is never absent: retention finds by it what is to be blanked."""
        yield InboundMessage(
            id=self.subject,
            sender=self.sender,
            text=self._text,
            sent_at=self.at,
            message_type=self.message_type,
            channel="rcs",
            content_type=self.content_type,
            agent_id=self.agent_id,
            postback=self._postback,
            file_uri=self._file.fileUri,
            mime_type=self._file.mimeType,
            file_name=self._file.fileName,
            latitude=self.location.latitude if self.location else None,
            longitude=self.location.longitude if self.location else None,
        )


class RcsStatus(RcsEvent, MessageReport):
    """A status of a message we sent, or that it was read."""

    example: ClassVar = {
        "agent_id": "example_agent",
        "sender": "491771783130",
        "status": "READ",
        "foreign_id": None,
        "msg_id": "77149843740",
        "timestamp": "2024-08-02 07:28:59",
    }

    def project(self) -> Iterable[Record]:
        """What a status report says, and the receipt."""
        return self.records(receipts=True)


class RcsTyping(RcsEvent):
    """Somebody is typing: of no lasting interest, so it stays in the archive alone."""

    about: ClassVar = Message
    example: ClassVar = {"agent_id": "example_agent", "sender": "491771783130", "status": "IS_TYPING"}

    status: ShortText
    msg_id: ShortText | None = None
    agent_id: Text | None = None
    sender: PhoneNumber | None = None
    timestamp: Moment | None = None

    @property
    def at(self) -> datetime:
        """When they typed."""
        return self.timestamp or self.reported_at

    @property
    def subject(self) -> str:
        """The id of our message that they answer; without it a digest of agent, sender and second."""
        return self.msg_id or short_digest("typing", self.agent_id, self.sender, self.timestamp)

    def summary(self, masked: bool) -> str:  # noqa: ARG002 - there is nothing to mask
        """That they type."""
        return "typing"

    def project(self) -> Iterable[Record]:
        """No records."""
        return ()
