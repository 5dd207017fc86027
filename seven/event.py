"""Event: the meaning of a payload, in the vendor's field names; and the only list of event types."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from seven.errors import InvalidPayload
from seven.field_types import Count, Price
from seven.record import Record
from seven.timestamps import TOO_FAR_AHEAD, Moment

EVENT_TYPES: dict[str, type["Event"]] = {}
"""Every known event type. A class in `seven/events/` registers itself here."""

_DISPENSABLE: tuple[Any, ...] = (Moment | None, Count | None, Price | None)
"""Types of fields without which an event is still clear: an optional time or figure. An optional text may be a key."""


class Event(BaseModel, ABC):
    """One event. Absent, null and blank fields are equal; unknown fields are ignored and stay in the payload.

    An event type whose deliveries have several shapes is an abstract class with a subclass for each, and `shape_of`.
    Only the fields that make up an event's key and its meaning are required: the vendor adds and removes fields. An
    optional time or figure that makes no sense is ignored, and named in `remark`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    example: ClassVar[Mapping[str, Any]]
    """The `data` of a delivery of this shape."""
    about: ClassVar[type[Record]]
    """The record whose key `subject` is."""

    reported_at: datetime
    """When the gateway reported it: `webhook_timestamp`, else our `received_at`."""
    remark: str | None = None
    """Which fields were ignored, and why, but not their values; None where there are none."""

    def __init_subclass__(cls, *, event_type: str | None = None) -> None:
        super().__init_subclass__()
        if event_type is not None:
            cls.event_type = event_type
            EVENT_TYPES[event_type] = cls

    @classmethod
    def shapes(cls) -> tuple[type[Self], ...]:
        """The classes of the shapes of this event type; most have one, which is the event type's own class."""
        return tuple(cls.__subclasses__()) or (cls,)

    @classmethod
    def shape_of(cls, fields: Mapping[str, Any]) -> type[Self]:  # noqa: ARG003 - of those with several shapes
        """The class for these fields, none of which is blank. Raises InvalidPayload where they fit no shape."""
        return cls

    @classmethod
    def parse(
        cls,
        fields: Mapping[str, Any],
        reported_at: datetime,
        until: datetime | None,
        *,
        too_far_ahead: frozenset[str] = frozenset(),
        ignored: Mapping[str, str] | None = None,
    ) -> Self:
        """Parse the fields of a payload. Raises InvalidPayload, which names each missing or invalid field.

        A time more than a day after `until` is invalid; None accepts any future time. So is that of a field in
        `too_far_ahead`. `ignored` are fields beside these that were ignored already, each with the reason.
        """
        values: dict[str, Any] = {name: value for name, value in fields.items() if not is_blank(value)}
        return cls.shape_of(values)._parse(values, reported_at, until, too_far_ahead, ignored)

    @classmethod
    def names_itself(cls, fields: Mapping[str, Any]) -> bool:  # noqa: ARG003 - few event types do
        """Whether fields that come without the name of any event type are surely of this one."""
        return False

    @classmethod
    def _parse(
        cls,
        values: dict[str, Any],
        reported_at: datetime,
        until: datetime | None,
        too_far_ahead: frozenset[str],
        ignored: Mapping[str, str] | None,
    ) -> Self:
        values |= {"reported_at": reported_at, "remark": _listed(ignored or {})}
        context = {"until": until, "too_far_ahead": too_far_ahead}
        try:
            return cls.model_validate(values, context=context)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            wrong = {str(detail["loc"][0]): _reason(detail) for detail in details}
        if not all(map(cls._is_dispensable, wrong)):
            raise InvalidPayload(f"{cls.event_type}: {_listed(wrong)}", wrong)
        known = {name: value for name, value in values.items() if name not in wrong}
        return cls.model_validate({**known, "remark": _listed({**(ignored or {}), **wrong})}, context=context)

    @classmethod
    def _is_dispensable(cls, name: str) -> bool:
        field = cls.model_fields[name]
        return not field.is_required() and field.annotation in _DISPENSABLE

    @property
    @abstractmethod
    def at(self) -> datetime:
        """When it happened: the event's own time, else `reported_at`."""

    @property
    def own_at(self) -> datetime | None:
        """When it happened, if it has a time of its own: `at` is the very time of the report where it has none."""
        return None if self.at is self.reported_at else self.at

    @property
    @abstractmethod
    def subject(self) -> str:
        """The key of the record that the event is about, its parts joined by a space."""

    @abstractmethod
    def summary(self, masked: bool) -> str:
        """What it said, in a few words for people, of any length; masked without a number, text or URL.

        A word of the vendor's that is unknown may be anything, so it counts as text.
        """

    @abstractmethod
    def project(self) -> Iterable[Record]:
        """The records that this event adds to."""


def is_blank(value: object) -> bool:
    """Whether a value is as good as absent."""
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def fields_too_far_ahead(remark: str | None) -> frozenset[str]:
    """The fields that a remark names as too far ahead."""
    parts = (part.partition(": ") for part in (remark or "").split("; "))
    return frozenset(name for name, _, reason in parts if reason == TOO_FAR_AHEAD)


def _listed(reasons: Mapping[str, str]) -> str | None:
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or None


def _reason(detail: ErrorDetails) -> str:
    return "missing or empty" if detail["type"] == "missing" else detail["msg"].removeprefix("Value error, ")
