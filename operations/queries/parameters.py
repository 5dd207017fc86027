"""Parameters of named queries: from what people write to what a statement binds, or a sentence on what is expected."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from seven.field_types import storable
from seven.phone_numbers import digits
from store.archive import ID_TOLERANCE_MS, first_id

Bound = dict[str, Any]
Reading = Callable[[str, datetime, int], Bound]
"""Takes a text, the time now and the country code of local numbers; raises ValueError with what is expected."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a named query asks for."""

    name: str
    meaning: str
    """What it is, as the label of a field: "days, today included"."""
    default: str | None
    """As people would write it; None if the query cannot do without."""
    kind: Literal["whole number", "text", "phone number"]
    read: Reading
    unset: Bound | None = None
    """What the statement binds for an empty text; None if an empty text is refused."""

    @property
    def title(self) -> str:
        """The meaning as the label of a field."""
        return self.meaning[:1].upper() + self.meaning[1:]

    @property
    def personal(self) -> bool:
        """Whether its value is a person's, and must not stand in a URL."""
        return self.kind == "phone number"

    def values(self, text: str | None, now: datetime, country_code: int) -> Bound:
        """What the statement binds. Raises ParameterError."""
        text = self.default if text is None else text.strip()
        if not text and self.unset is not None:
            return self.unset
        if not text:
            raise ParameterError(self, "a value is needed", f"a value is needed: {self.meaning}")
        try:
            return self.read(text, now, country_code)
        except ValueError as error:
            raise ParameterError(self, str(error)) from None


class ParameterError(ValueError):
    """A value that makes no sense; its message begins with the parameter's name, as a command line has it."""

    def __init__(self, parameter: Parameter, expected: str, by_name: str | None = None) -> None:
        super().__init__(f"{parameter.name}: {by_name or expected}")
        self.sentence = f"{parameter.title}: {expected}."
        """The same with the label of the field in a form."""


def _whole_number(text: str, least: int, most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise ValueError(f"a whole number from {least} to {most} is expected")


def days(default: int) -> Parameter:
    """Binds `:since`, the beginning of the first of so many days in UTC, `:day_before`, `:since_id` and `:now`.

    These are the beginning of the day before, the first delivery of that first day, and the time of asking.
    """

    def read(text: str, now: datetime, _country_code: int) -> Bound:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        since = midnight - timedelta(days=_whole_number(text, 1, 3650) - 1)
        since_id = first_id(since, -ID_TOLERANCE_MS)
        return {"since": since, "day_before": since - timedelta(days=1), "since_id": since_id, "now": now}

    return Parameter("days", "days back, today included", str(default), "whole number", read)


def hours(name: str, meaning: str, default: int) -> Parameter:
    """Binds `:name`, a number of hours, and `:name_ago`, the time so many hours ago."""

    def read(text: str, now: datetime, _country_code: int) -> Bound:
        number = _whole_number(text, 1, 10_000)
        return {name: number, f"{name}_ago": now - timedelta(hours=number)}

    return Parameter(name, meaning, str(default), "whole number", read)


def label(meaning: str) -> Parameter:
    """Binds `:label`, a text, or NULL for none."""

    def read(text: str, _now: datetime, _country_code: int) -> Bound:
        return {"label": storable(text)}

    return Parameter("label", meaning, "", "text", read, unset={"label": None})


def number() -> Parameter:
    """Binds `:number`, the digits of a phone number with its country code."""

    def read(text: str, _now: datetime, country_code: int) -> Bound:
        return {"number": digits(text, country_code)}

    return Parameter("number", "a phone number, in any usual spelling", None, "phone number", read)
