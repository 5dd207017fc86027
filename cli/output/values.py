"""Values as text, for lines and tables."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from seven.visible_text import visible_text


def shown(value: object) -> str:
    """A value as text: times in UTC to the second, control characters of foreign text escaped."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        case Decimal():
            return f"{value:f}"
    return visible_text(str(value))


def short_times(times: Iterable[datetime | None]) -> tuple[str, list[str]]:
    """What all of these times share, and each without it: the day, else the year; nothing where they share none."""
    texts = [shown(at) for at in times]
    for size in (len("2026-03-29"), len("2026")):
        if len(shared := {text[:size] for text in texts if text}) == 1:
            return shared.pop(), [text[size + 1 :] for text in texts]
    return "", texts
