"""Values as text, for lines and tables."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from seven.visible_text import visible_text


def shown(value: object) -> str:
    """A value as text: times in UTC to the second, lists and dicts as JSON, control characters of texts escaped."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        case Decimal():
            return f"{value:f}"
        case dict() | list() | tuple():
            return visible_text(json.dumps(value, ensure_ascii=False, default=shown))
    return visible_text(str(value))


def flat(value: Any, name: str = "") -> list[tuple[str, object]]:
    """The fields of decoded JSON as names and values, nested ones with dotted names; two may have the same name."""
    if isinstance(value, dict) and value:
        return [pair for key, inner in value.items() for pair in flat(inner, f"{name}.{key}" if name else str(key))]
    in_json = json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
    return [(shown(name) or "as it is", in_json)]


def for_json(value: object) -> str:
    """What JSON has no form for: times in ISO 8601, prices as text so that they stay exact. Raises TypeError."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(type(value).__name__)


def short_times(times: Iterable[datetime | None]) -> tuple[str, list[str]]:
    """What all of these times share, and each without it: the day, else the year; nothing where they share none."""
    texts = [shown(at) for at in times]
    for size in (len("2026-03-29"), len("2026")):
        if len(shared := {text[:size] for text in texts if text}) == 1:
            return shared.pop(), [text[size + 1 :] for text in texts]
    return "", texts
