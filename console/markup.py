"""Markup: templates in which every value is text, and nothing in it is hidden."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from runtime.durations import duration
from seven.visible_text import ZERO_WIDTH_JOINER, visible_text

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
COMMAND = "seven-ingest"
_TIME = re.compile(r"\b([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})\b(?: UTC\b)?")
"""A time as our sentences write it."""

STATES = {
    "good": {"delivered", "completed"},
    "bad": {"failed", "dead", "notdelivered", "expired", "rejected", "no-answer", "busy", "canceled"},
    "warning": {"parked", "quarantined"},
}
"""Which outcomes, results and statuses stand in a colour; not `applied`, as a webhook that reports a failure is."""


def create_templates(navigation: Iterable[tuple[str, str]]) -> Environment:
    """The templates of `templates/`; `navigation` is the path and title of each page that stands in it."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["navigation"] = tuple(navigation)
    environment.filters["number"] = grouped
    environment.filters["lines"] = lines
    environment.filters["unbroken"] = unbroken
    environment.filters["compact"] = compact
    environment.filters["clipped"] = clipped
    environment.filters["duration"] = duration
    environment.filters["form_value"] = form_value
    environment.filters["state"] = state
    environment.filters["timed"] = timed
    return environment


def shown(value: Any) -> Any:
    """How a template writes a value: times as `<time>`, nothing for None, unprintable characters as escapes."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return utc(value)
        case Decimal():
            return f"{value:f}"
        case str() if not isinstance(value, Markup):
            return visible_text(value, ZERO_WIDTH_JOINER)
    return value


def utc(value: datetime) -> Markup:
    """A time in UTC, to the second; `console.js` adds the viewer's own time beside it."""
    value = value.astimezone(UTC)
    exact, text = value.isoformat(timespec="milliseconds"), value.strftime("%Y-%m-%d %H:%M:%S")
    return Markup('<time datetime="{}">{}</time>').format(exact, text)


def timed(sentence: str) -> Markup:
    """A sentence of ours in which each time in UTC says so, and is a `<time>`: `EXPIRED 2026-03-29 08:00:09`."""
    parts, end = [], 0
    for match in _TIME.finditer(sentence):
        parts += [shown(sentence[end : match.start()]), _time(match)]
        end = match.end()
    return Markup("").join([*parts, shown(sentence[end:])])


def _time(match: re.Match[str]) -> Markup | str:
    try:
        at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:  # a status of someone else's that only looks like a time
        return match[0]
    return Markup('<time datetime="{}">{} UTC</time>').format(at.isoformat(timespec="milliseconds"), match[1])


def lines(value: str) -> Markup:
    """A text of several lines: its line breaks stay, everything else of it is text."""
    return Markup("<br>").join(escape(visible_text(line, ZERO_WIDTH_JOINER)) for line in value.splitlines())


def grouped(value: int) -> Markup:
    """A number in groups of three digits, with a narrow space that does not break: as no locale confuses it."""
    return Markup("&#8239;").join(f"{value:,}".split(","))


def compact(number: int) -> str:
    """A number in at most four characters, for an axis: 950, 20k, 4M."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")):
        if number >= size:
            return f"{number / size:g}{unit}"
    return str(number)


def clipped(text: str, length: int) -> str:
    """At most as many characters of a text, and an ellipsis where some are left out."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def unbroken(text: str) -> Markup:
    """A sentence in which the name of our command does not break at its hyphen."""
    name = Markup('<span class="unbroken">{}</span>').format(COMMAND)
    return name.join(escape(visible_text(part, ZERO_WIDTH_JOINER)) for part in text.split(COMMAND))


def form_value(text: str) -> Markup:
    """A text as the value of a field that the browser sends back as it is: escaped for HTML, and not otherwise."""
    return escape(text)


def state(word: str) -> str:
    """The class of the colour of an outcome, result or status; none for a word that is not known."""
    return next((name for name, words in STATES.items() if word.lower() in words), "")
