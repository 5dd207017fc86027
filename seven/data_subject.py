"""Data subject: recognises a person's phone number, or an id of their message or call, in deliveries."""

import base64
import binascii
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from seven.envelope import RAW

SHORTEST_NUMBER, LONGEST_NUMBER = 8, 15
"""Digits with the country code: fewer would match times and totals, more are not a phone number (E.164)."""

_BETWEEN = r"(?:[\s\-/.()]|\(0\))*"
_IDS = frozenset({"id", "msg_id", "sms_id"})
_PUNCTUATION = re.compile(r"[\s\-/.()]")

Leaf = tuple[str, str]
"""The name of one value in a payload, and its text."""


class DataSubject(ABC):
    """The person whose data is searched for."""

    @abstractmethod
    def is_in(self, text: str) -> bool:
        """Whether free text mentions them."""

    @abstractmethod
    def matches(self, leaf: Leaf) -> bool:
        """Whether one value of a payload is about them."""

    def is_in_payload(self, text: str | None) -> bool:
        """Whether a stored payload or a whole envelope is about them: JSON, or `base64:` and bytes."""
        if not text:
            return False
        if text.startswith(RAW):
            decoded = _decoded(text)
            return self.is_in_payload(decoded) or self.is_in(decoded) or self.is_in(unquote_plus(decoded))
        try:
            leaves = _leaves("", json.loads(text))
            return any(
                self.matches(leaf) or (leaf[1].startswith(RAW) and self.is_in_payload(leaf[1])) for leaf in leaves
            )
        except (ValueError, RecursionError):
            return self.is_in(text)


@dataclass(frozen=True)
class Number(DataSubject):
    """A phone number in any spelling: +49…, 0049…, 49…, with or without punctuation between its digits."""

    digits: str
    """With the country code, without a prefix."""

    @classmethod
    def parse(cls, text: str) -> "Number":
        """Parse a number in any spelling. Raises ValueError for text that is not a number with its country code."""
        bare = _PUNCTUATION.sub("", text.replace("(0)", ""))
        digits = bare.removeprefix("+").removeprefix("00")
        if not re.fullmatch(rf"[1-9][0-9]{{{SHORTEST_NUMBER - 1},{LONGEST_NUMBER - 1}}}", digits):
            raise ValueError("a number with its country code is expected, such as +49 151 23456789")
        return cls(digits)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\d)(?:00{_BETWEEN})?{_BETWEEN.join(self.digits)}(?!\d)", re.ASCII)

    def is_in(self, text: str) -> bool:
        """Whether a text contains its digits in sequence, with no other digits next to them."""
        return self._pattern.search(text.replace("\xa0", " ")) is not None

    def matches(self, leaf: Leaf) -> bool:
        """Whether a value contains the number. An id with the same digits is not a phone number."""
        return leaf[0] not in _IDS and self.is_in(leaf[1])


@dataclass(frozen=True)
class Id(DataSubject):
    """An id, and the payload fields that hold such ids."""

    value: str
    fields: frozenset[str]

    def is_in(self, text: str) -> bool:
        """Whether a text contains it as a whole word."""
        return re.search(rf"(?<!\w){re.escape(self.value)}(?!\w)", text) is not None

    def matches(self, leaf: Leaf) -> bool:
        """Whether the value is this id, in one of its fields."""
        return leaf[0] in self.fields and leaf[1].strip() == self.value


def message_id(value: str) -> Id:
    """The gateway's id of a message that we sent."""
    return Id(value, frozenset({"msg_id", "sms_id"}))


def foreign_id(value: str) -> Id:
    """Our own id of a message or call that we sent."""
    return Id(value, frozenset({"foreign_id"}))


def _leaves(name: str, value: Any) -> Iterator[Leaf]:
    """Every value, also within a JSON text, and every name as a text: a form's field name may be anything."""
    if isinstance(value, Mapping):
        for inner_name, inner in value.items():
            yield "", str(inner_name)
            yield from _leaves(str(inner_name), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    elif value is not None:
        text = str(value)
        yield name, text
        if text.lstrip()[:1] in ("{", "["):
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                return
            yield from _leaves(name, inner)


def _decoded(text: str) -> str:
    """The bytes after `base64:`, as text."""
    try:
        return base64.b64decode(text.removeprefix(RAW), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text
