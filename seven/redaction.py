"""Redaction: makes a payload a sample that one can hand to others.

Numbers, texts, tokens, places, URLs, ids and times are replaced: letters by letters, digits by digits. Structure, types
and lengths stay, and so do words of the vendor's that are known: names of fields, event types, statuses.
"""

import json
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from string import ascii_lowercase
from typing import Any

from seven.call_reports import STATUSES as CALL_STATUSES
from seven.event import EVENT_TYPES
from seven.message_reports import STATUSES
from seven.parsing import Fields

_WORD_FIELDS = frozenset(
    {"status", "type", "message_type", "content_type", "webhook_event", "event", "mimeType", "mime_type"}
)
"""Fields whose values are words of the vendor's, never a person's."""
_EVENT_FIELDS = frozenset({"webhook_event", "event"})
_ENVELOPE = frozenset({"data", "webhook_event", "webhook_timestamp", "event", "foreign_id"})
_JSON_WORDS = frozenset({"null", "true", "false"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,39}")
_PIECE = re.compile(r"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.|[A-Za-z_]+|.", re.DOTALL)
_EXACT = 15
"""Characters of a float that are its digits: of more, the last would be rounded to another."""
_RUN = 4
"""Digits in a row that could show a number."""


def redacted(payload: Fields | bytes) -> Fields | bytes:
    """The payload as a sample, of the same structure, types and lengths. Raises nothing."""
    if isinstance(payload, bytes):
        return _redacted_bytes(payload)
    fill = _Fill.absent_from(json.dumps(payload, ensure_ascii=False, default=str))
    fields: Fields = _redacted("", payload, fill)
    return fields


def redacted_text(text: str) -> str:
    """A text of the same length, of which no word stays."""
    return _Fill.absent_from(text).text(text)


def is_name(text: str) -> bool:
    """Whether a text looks like the name of a field or event type in a program; a new one of the vendor's does."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Fill:
    """What replaces a letter and a digit: one of each, so that nothing can be told from the replacement."""

    letter: str
    digit: str

    @classmethod
    def absent_from(cls, text: str) -> "_Fill":
        """A digit of which no run is in the text, and a letter that is not in it."""
        letters = set(text.casefold())
        return cls(
            next((letter for letter in reversed(ascii_lowercase) if letter not in letters), "x"),
            next((digit for digit in "7931245680" if digit * _RUN not in text), "7"),
        )

    def character(self, character: str) -> str:
        """Another character of the same class, as long in UTF-8."""
        if character.isascii():
            if character.isdigit():
                return self.digit
            if character.isalpha():
                return self.letter.upper() if character.isupper() else self.letter
            return character
        size = len(character.encode("utf-8", "surrogatepass"))
        if "\ud800" <= character <= "\udfff":  # a byte that is not UTF-8
            return character if character == "\udce4" else "\udce4"
        return {2: "\u00df", 3: "\u3042", 4: "\U0001f600"}[size]

    def text(self, text: str) -> str:
        """Each letter and digit replaced; punctuation and blanks stay."""
        return "".join(map(self.character, text))


def _redacted(name: str, value: Any, fill: _Fill) -> Any:
    if isinstance(value, Mapping):
        return _redacted_fields(value, fill)
    if isinstance(value, list):
        return [_redacted(name, inner, fill) for inner in value]
    if isinstance(value, str):
        return value if _is_known(name, value) else _redacted_text(value, fill)
    if value is None or isinstance(value, bool):
        return value
    return _redacted_number(value, fill)


def _redacted_fields(fields: Mapping[str, Any], fill: _Fill) -> Fields:
    kept: Fields = {}
    for name, value in fields.items():
        new = name if is_name(name) else _redacted_text(name, fill)
        while new in kept:  # two names may become one
            new += "_"
        kept[new] = _redacted(name, value, fill)
    return kept


def _redacted_number(value: float, fill: _Fill) -> Any:
    written = fill.text(repr(value).partition("e")[0])
    return float(written[:_EXACT]) if isinstance(value, float) else int(written)


def _redacted_text(text: str, fill: _Fill) -> str:
    return _redacted_structure(text, fill) if text.lstrip()[:1] in ("{", "[") else fill.text(text)


def _redacted_structure(text: str, fill: _Fill) -> str:
    """Of JSON or a form, known words and the escapes of punctuation stay."""
    return "".join(_redacted_piece(piece, fill) for piece in _PIECE.findall(text))


def _redacted_piece(piece: str, fill: _Fill) -> str:
    if len(piece) == 3 and piece[0] == "%":
        character = chr(int(piece[1:], 16))
        return piece if character.isascii() and not character.isalnum() else f"%{fill.digit * 2}"
    if piece[0] == "\\":  # of JSON; a letter alone says nothing
        return piece if len(piece) < 6 else "\\u00df"
    return piece if piece in _kept_in_structure() else fill.text(piece)


def _redacted_bytes(raw: bytes) -> bytes:
    text = raw.decode("utf-8", "surrogateescape")
    return _redacted_structure(text, _Fill.absent_from(text)).encode("utf-8", "surrogateescape")


def _is_known(name: str, text: str) -> bool:
    if name in _EVENT_FIELDS and is_name(text):
        return True
    return name in _WORD_FIELDS and text in _known_words()


@cache
def _kept_in_structure() -> frozenset[str]:
    return _JSON_WORDS | _known_names() | _known_words()


@cache
def _known_words() -> frozenset[str]:
    """Event types, statuses, and what the examples have in the fields of such words."""
    statuses = (*STATUSES.passing, *STATUSES.final, *CALL_STATUSES.passing, *CALL_STATUSES.final)
    examples = {str(value) for name, value in _example_fields() if name in _WORD_FIELDS}
    return frozenset(EVENT_TYPES) | frozenset(statuses) | examples | frozenset(mimetypes.types_map.values())


@cache
def _known_names() -> frozenset[str]:
    """The names of all fields that event types declare, or have in their examples."""
    declared = {name for event in EVENT_TYPES.values() for shape in event.shapes() for name in shape.model_fields}
    return _ENVELOPE | declared | {name for name, _ in _example_fields()}


def _example_fields() -> Iterator[tuple[str, Any]]:
    pending: list[Any] = [shape.example for event in EVENT_TYPES.values() for shape in event.shapes()]
    while pending:
        for name, value in pending.pop().items():
            yield name, value
            if isinstance(value, Mapping):
                pending.append(value)
