"""Event: what a payload means, with the vendor's field names; and the one list of event types."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from seven.errors import InvalidPayload
from seven.records import Record

EVENT_TYPES: dict[str, type["Event"]] = {}
"""Every event type we understand; a file in `seven/events/` enters itself here."""


class Event(BaseModel, ABC):
    """One event. A field left out, null or blank is one and the same; fields not known to us stay in the payload.

    Required are only the fields that make the key and the point of an event: the vendor's fields come and go.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    example: ClassVar[Mapping[str, Any]]
    """The `data` of one such delivery."""

    told_at: datetime
    """When the gateway told it: `webhook_timestamp`, or where there is none our `received_at`."""

    def __init_subclass__(cls, *, event_type: str) -> None:
        super().__init_subclass__()
        cls.event_type = event_type
        EVENT_TYPES[event_type] = cls

    @classmethod
    def parse(cls, fields: Mapping[str, Any], told_at: datetime, until: datetime | None) -> Self:
        """The event that a payload's fields tell. Raises Misfit, naming each field that is missing or wrong.

        A time well after `until` is wrong; without it no time is too late.
        """
        told: dict[str, Any] = {name: value for name, value in fields.items() if not _is_blank(value)}
        told["told_at"] = told_at
        try:
            return cls.model_validate(told, context={"until": until})
        except ValidationError as error:
            wrong = {str(one["loc"][0]): _word(one) for one in error.errors(include_url=False, include_input=False)}
            raise InvalidPayload(
                f"{cls.event_type}: " + "; ".join(f"{k}: {v}" for k, v in wrong.items()), wrong
            ) from None

    @property
    @abstractmethod
    def at(self) -> datetime:
        """When it happened: the event's own time, else `told_at`."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """The key of the record that the event speaks of, its parts joined by a space."""

    @abstractmethod
    def project(self) -> Iterable[Record]:
        """The records that this event adds to."""


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def _word(error: ErrorDetails) -> str:
    return "missing or empty" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
