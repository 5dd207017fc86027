"""Event fields: valid values for every shape of every event type, and its fields by type; both derived from the code."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_type_hints

import pytest

from seven.delivery import Payload
from seven.event import Event
from seven.events import EVENT_TYPES
from seven.field_types import Count, PhoneNumber, Price, Reference, ShortText, Text, Url
from seven.timestamps import Moment
from tests.seven.corpus import CASES, Case

RECEIVED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
REPORTED_AT = datetime(2025, 12, 31, 12, tzinfo=UTC)

SHAPES: dict[str, type[Event]] = {
    event_type if len(event.shapes()) == 1 else f"{event_type} {shape.__name__}": shape
    for event_type, event in EVENT_TYPES.items()
    for shape in event.shapes()
}
"""Every shape of every event type, by a name that begins with the event type."""

VALID: dict[str, Mapping[str, Any]] = {
    name: next(
        case.content.fields
        for case in CASES.values()
        if case.event_type == name.partition(" ")[0] and shape.shape_of(case.content.fields) is shape
    )
    for name, shape in SHAPES.items()
}


def _fields_of(*kinds: Any) -> dict[str, list[str]]:
    """The fields of these types by shape; no entry for a shape without any."""
    fields: dict[str, list[str]] = {}
    for event_type, event in SHAPES.items():
        for name, hint in get_type_hints(event, include_extras=True).items():
            if name in event.model_fields and any(hint in (kind, kind | None) for kind in kinds):
                fields.setdefault(event_type, []).append(name)
    return fields


REQUIRED = {
    event_type: [name for name, field in event.model_fields.items() if field.is_required() and name != "reported_at"]
    for event_type, event in SHAPES.items()
}
TEXTS = _fields_of(Text, ShortText, Reference, Url, PhoneNumber)
PHONE_NUMBERS = _fields_of(PhoneNumber)
KEYS = _fields_of(ShortText)
REFERENCES = _fields_of(Reference)
SHORT_TEXTS = _fields_of(ShortText, Reference)
TIMES = _fields_of(Moment)
COUNTS = _fields_of(Count)
PRICES = _fields_of(Price)
NUMBERS = _fields_of(Count, Price)


def shape_name(case: Case) -> str:
    """The name of the shape of a delivery of the corpus."""
    shape = EVENT_TYPES[case.event_type].shape_of(case.content.fields)
    return next(name for name, known in SHAPES.items() if known is shape)


def every(fields: Mapping[str, list[str]]) -> pytest.MarkDecorator:
    """Run a test for each of these fields of each event type."""
    pairs = [(event_type, field) for event_type, names in fields.items() for field in names]
    return pytest.mark.parametrize(
        ("event_type", "field"), pairs, ids=[f"{event_type}.{field}" for event_type, field in pairs]
    )


def changed(event_type: str, /, **fields: Any) -> dict[str, Any]:
    """The valid fields of an event type, with changes."""
    return {**VALID[event_type], **fields}


def event(event_type: str, fields: Mapping[str, Any], **envelope: Any) -> Event:
    """The event of a nested payload, reported a day before it was received."""
    payload = {
        "webhook_event": event_type.partition(" ")[0],
        "webhook_timestamp": REPORTED_AT.isoformat(),
        "data": dict(fields),
        **envelope,
    }
    return Payload.of(payload, None).event(RECEIVED_AT)
