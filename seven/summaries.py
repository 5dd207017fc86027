"""Summaries: what a delivery said, in a few words for people. Each event class says how (`seven/events/`)."""

import json
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from seven.delivery import Payload
from seven.envelope import RAW, raw_text
from seven.errors import NotUnderstood
from seven.event import is_blank
from seven.events import EVENT_TYPES
from seven.key_presses import without_keys
from seven.plurals import counted
from seven.visible_text import visible_text

LONGEST_SUMMARY = 60
"""Characters."""

NOT_KEPT = "no longer kept"

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # a summary has no time
_READ_AT_MOST = 2000


def summarise(
    event_type: str | None,
    payload: str | Mapping[str, Any] | None,
    *,
    masked: bool = False,
    most: int = LONGEST_SUMMARY,
) -> str:
    """What a delivery said, as one phrase of at most `most` characters, without control characters: `DELIVERED`.

    `payload` is a decoded payload, or the text that `deliveries.payload` has; None if it is no longer kept. Masked, the
    phrase has no number, no text and no URL: nothing that a sender is free to write. Of what is not understood it says
    what is known. Raises nothing, whatever a payload holds.
    """
    return _cut(_phrase(event_type, payload, masked), most)


def _phrase(event_type: str | None, payload: str | Mapping[str, Any] | None, masked: bool) -> str:
    decoded = without_keys(_decoded(payload), event_type)
    if decoded is None:
        return NOT_KEPT
    if isinstance(decoded, str):
        return _not_decoded(decoded, masked)
    fields = decoded
    with suppress(NotUnderstood):
        content = Payload.of(dict(decoded), event_type)
        fields = content.fields
        if content.event_type in EVENT_TYPES:
            return EVENT_TYPES[content.event_type].parse(fields, _ANY_TIME, None).summary(masked)
    return _known(_inner(fields), masked)


def _decoded(payload: str | Mapping[str, Any] | None) -> Mapping[str, Any] | str | None:
    """The fields; text that has none, or the text of its bytes; None for nothing."""
    if payload is None or not isinstance(payload, str):
        return payload
    if payload.startswith(RAW):
        return raw_text(payload)
    try:
        decoded = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    return decoded if isinstance(decoded, Mapping) else payload


def _not_decoded(text: str, masked: bool) -> str:
    if not text.strip():
        return "an empty request"
    return f"not decoded, {counted(len(text), 'character')}" if masked else f"not decoded: {text[:_READ_AT_MOST]}"


def _inner(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    data = fields.get("data")
    return data if isinstance(data, Mapping) else fields


def _known(fields: Mapping[str, Any], masked: bool) -> str:
    """What can be said of fields whose meaning is unknown: themselves, or how many there are."""
    values = {name: value for name, value in fields.items() if not is_blank(value)}
    if not values:
        return "no fields"
    if masked:
        return counted(len(values), "field")
    return ", ".join(f"{str(name)[:99]}: {_value(value)}" for name, value in list(values.items())[:10])


def _value(value: Any) -> str:
    if isinstance(value, (Mapping, list)):
        return "…"
    return str(value)[:_READ_AT_MOST]


def _cut(phrase: str, most: int) -> str:
    """The phrase on one line, unprintable characters as escapes; its first words if it is too long."""
    pieces = [visible_text(char) for char in " ".join(phrase[:_READ_AT_MOST].split())]
    sizes = list(accumulate(map(len, pieces)))
    if not sizes or sizes[-1] <= most:
        return "".join(pieces)
    text = "".join(pieces[: bisect_right(sizes, most - 1)])
    first_words = text.rpartition(" ")[0]
    return f"{first_words if len(first_words) > most // 2 else text}…"
