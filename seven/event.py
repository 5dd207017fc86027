"""Event: the meaning of a payload, in the vendor's field names; and the only list of event types."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from seven.errors import InvalidPayload
from seven.records import Record

EVENT_TYPES: dict[str, type["Event"]] = {}
"""Every known event type. A class in `seven/events/` registers itself here."""


class Event(BaseModel, ABC):
    """One event. Absent, null and blank fields are equal; unknown fields are ignored and stay in the payload.

    Only the fields that make up an event's key and its meaning are required: the vendor adds and removes fields.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    example: ClassVar[Mapping[str, Any]]
    """The `data` of a delivery of this type."""

    reported_at: datetime
    """When the gateway reported it: `webhook_timestamp`, else our `received_at`."""

    def __init_subclass__(cls, *, event_type: str) -> None:
        super().__init_subclass__()
        cls.event_type = event_type
        EVENT_TYPES[event_type] = cls

    @classmethod
    def parse(cls, fields: Mapping[str, Any], reported_at: datetime, until: datetime | None) -> Self:
        """Parse the fields of a payload. Raises InvalidPayload, which names each missing or invalid field.

        A time more than a day after `until` is invalid; None accepts any future time.
        """
        values: dict[str, Any] = {name: value for name, value in fields.items() if not _is_blank(value)}
        values["reported_at"] = reported_at
        try:
            return cls.model_validate(values, context={"until": until})
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            wrong = {str(detail["loc"][0]): _reason(detail) for detail in details}
            reasons = "; ".join(f"{name}: {reason}" for name, reason in wrong.items())
            raise InvalidPayload(f"{cls.event_type}: {reasons}", wrong) from None

    @property
    @abstractmethod
    def at(self) -> datetime:
        """When it happened: the event's own time, else `reported_at`."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """The key of the record that the event is about, its parts joined by a space."""

    @abstractmethod
    def project(self) -> Iterable[Record]:
        """The records that this event adds to."""


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def _reason(detail: ErrorDetails) -> str:
    return "missing or empty" if detail["type"] == "missing" else detail["msg"].removeprefix("Value error, ")
