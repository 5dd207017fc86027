"""Field types of events. The gateway sends numbers as strings and strings as numbers: each type accepts both."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL refuses both in text, pydantic refuses surrogates
_NOT_NUMBERS = {"NaN", "Infinity", "-Infinity"}  # as the decoder spells JSON's non-numbers
_WITHOUT_PLUS = re.compile(r" +[0-9][0-9 ()./-]*")
_INTEGER = re.compile(r"-?\d{1,30}")
_DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,60})?([eE][+-]?\d{1,3})?")
_PRICE_STEP = Decimal("1e-8")


def storable(text: str) -> str:
    """The text as both databases can store it: NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\0" not in text:  # the usual case
        return text
    return _UNSTORABLE.sub(REPLACEMENT, text)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("text is expected")
    return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)


def _phone_number(value: Any) -> str:
    text = _text(value)
    return _bounded(f"+{text.lstrip(' ')}" if _WITHOUT_PLUS.fullmatch(text) else text)


def _bounded(text: str, size: int = 255) -> str:
    if len(text.encode()) > size:
        raise ValueError(f"longer than {size} bytes")
    return text


def short_text(size: int, *, is_coined: bool = False) -> Callable[[Any], str]:
    """A validator of text of at most `size` bytes: one instead of several, since a call costs as much as all its work.

    What the decoder writes for JSON's non-numbers is refused, unless people have coined the text. No error quotes it.
    """

    def validate(value: Any) -> str:
        text = _text(value).strip()
        if text in _NOT_NUMBERS and not is_coined:
            raise ValueError("not a number, and no name either")
        return _bounded(text, size)

    return validate


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
    except InvalidOperation as error:
        raise ValueError("an absurd price") from error
    # normalised, so that equal prices have equal texts; adding 0 turns 1E+2 back into 100
    return rounded.normalize() + Decimal(0)


Text = Annotated[str, BeforeValidator(_text)]
"""Free text of any length."""

PhoneNumber = Annotated[str, BeforeValidator(_phone_number)]
"""A number, or the name of a sender; at most 255 bytes. If it begins with a blank, its sender did not escape a `+`."""

ShortText = Annotated[str, BeforeValidator(short_text(255))]
"""An id or a status, short enough for any database's index; at most 255 bytes."""

Reference = Annotated[str, BeforeValidator(short_text(255, is_coined=True))]
"""An id that others coined for their own use, `NaN` among them; at most 255 bytes."""

Url = Annotated[str, BeforeValidator(short_text(1024))]
"""A URL that is part of a key; at most 1024 bytes."""

Count = Annotated[int, BeforeValidator(_whole_number), Field(ge=0, le=2**31 - 1)]
"""A counter or a duration in seconds."""

Price = Annotated[Decimal, BeforeValidator(_price), Field(ge=0, lt=10_000_000)]
"""Euros, exact to eight decimals: SQLite stores them as doubles, without loss at this precision."""

Amount = Annotated[Decimal, BeforeValidator(_price), Field(gt=-10_000_000, lt=10_000_000)]
"""Money of either sign, exact to eight decimals."""
