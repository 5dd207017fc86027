"""The types of an event's fields: numbers come as strings and strings as numbers, so both are read as either."""

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL refuses both in text, pydantic refuses surrogates
_NOT_NUMBERS = {"NaN", "Infinity", "-Infinity"}  # how decoding spells JSON's non-numbers
_INTEGER = re.compile(r"-?\d{1,30}")
_DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,60})?([eE][+-]?\d{1,3})?")
_PRICE_STEP = Decimal("1e-8")


def storable(text: str) -> str:
    """The text as both databases can keep it: NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\0" not in text:  # as nearly always
        return text
    return _UNSTORABLE.sub(REPLACEMENT, text)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("text is expected")
    return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)


def _name(size: int) -> BeforeValidator:
    """One function, since each costs as much as all that it does."""

    def read(value: Any) -> str:
        name = _text(value).strip()
        if name in _NOT_NUMBERS:
            raise ValueError("not a number, and no name either")
        if len(name.encode()) > size:
            raise ValueError(f"longer than {size} bytes")
        return name

    return BeforeValidator(read)


def _whole_number(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value.strip())
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _decimal(value)
    if number != int(number):
        raise ValueError("a whole number is expected")
    return int(number)


def _decimal(value: Any) -> Decimal:
    text = str(value).strip()
    if isinstance(value, bool) or not _DECIMAL.fullmatch(text):
        raise ValueError("a number is expected")
    return Decimal(text)


def _price(value: Any) -> Decimal:
    number = _decimal(value)
    try:
        rounded = number.quantize(_PRICE_STEP, ROUND_HALF_EVEN)
    except InvalidOperation as absurd:
        raise ValueError("an absurd price") from absurd
    # normalised, so that equal prices are equal text too; the sum brings 1E+2 back to 100
    return rounded.normalize() + Decimal(0)


Text = Annotated[str, BeforeValidator(_text)]
"""What people or networks wrote, of any length."""

ShortText = Annotated[str, _name(255)]
"""An id or a status: short enough for any database's index."""

Url = Annotated[str, _name(1024)]
"""A URL that is part of a key."""

Count = Annotated[int, BeforeValidator(_whole_number), Field(ge=0, le=2**31 - 1)]
"""A counter or a duration in seconds."""

Price = Annotated[Decimal, BeforeValidator(_price), Field(ge=0, lt=10_000_000)]
"""Euros, exact to eight decimals: what a double can carry through SQLite and back unharmed."""
