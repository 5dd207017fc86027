"""Sent messages: what a row of the gateway's outbound list says beside its status: to whom, from whom, at what price.

A value that cannot be stored, or makes no sense, is left out: one odd row spoils neither itself nor its page. Source:
rows recorded live in 2023, all of whose values are text.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seven.event import is_blank
from seven.field_types import PhoneNumber, Price, Reference, ShortText, Text
from seven.journal import listed_fields
from seven.records import SentMessage
from seven.timestamps import plausible, read_moment

SCHEDULED_AHEAD = timedelta(days=366)
"""The list has scheduled messages as well; a time beyond that is none."""

_SHORT: TypeAdapter[str] = TypeAdapter(ShortText)
_REFERENCE: TypeAdapter[str] = TypeAdapter(Reference)
_NUMBER: TypeAdapter[str] = TypeAdapter(PhoneNumber)
_TEXT: TypeAdapter[str] = TypeAdapter(Text)
_PRICE = TypeAdapter[Any](Price)


def sent_message(row: object, read_at: datetime, *, texts: bool) -> SentMessage:
    """The message of a row as the outbound list has it, read at that time; its text only with `texts`.

    A text without a time of sending is left out: nobody would know when it is old. Raises InvalidRow for a row without
    an id.
    """
    listed = listed_fields(row)
    sent_at = _sent_at(listed, read_at)
    return SentMessage(
        msg_id=str(listed["id"]).strip(),
        sent_at=sent_at,
        recipient=_value(_NUMBER, listed, "to"),
        sender=_value(_NUMBER, listed, "from"),
        label=_value(_REFERENCE, listed, "label"),
        foreign_id=_value(_REFERENCE, listed, "foreign_id"),
        mccmnc=_value(_SHORT, listed, "mccmnc"),
        channel=_value(_SHORT, listed, "channel"),
        connection=_value(_SHORT, listed, "connection"),
        text=_value(_TEXT, listed, "text") if texts and sent_at is not None else None,
        journal_read_at=read_at,
        price=_value(_PRICE, listed, "price"),
    )


def _sent_at(listed: Mapping[str, Any], read_at: datetime) -> datetime | None:
    """With its milliseconds, which the list has of outbound messages alone."""
    try:
        return plausible(read_moment(listed.get("timestamp")), read_at + SCHEDULED_AHEAD).replace(fold=0)
    except ValueError:
        return None


def _value(kind: TypeAdapter[Any], listed: Mapping[str, Any], name: str) -> Any:
    value = listed.get(name)
    if is_blank(value):
        return None
    try:
        return kind.validate_python(value)
    except ValidationError:
        return None
