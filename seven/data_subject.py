"""Sought: a person as others know them, by a number or by an id of ours, found in what deliveries tell."""

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
"""Digits with the country code: fewer are found in times and totals, more are no number (E.164)."""

_BETWEEN = r"(?:[\s\-/.()]|\(0\))*"
_IDS = frozenset({"id", "msg_id", "sms_id"})
_PUNCTUATION = re.compile(r"[\s\-/.()]")

Leaf = tuple[str, str]
"""The name and the text of one value in a payload."""


class DataSubject(ABC):
    """Who is to be found."""

    @abstractmethod
    def is_in(self, text: str) -> bool:
        """Whether a text that somebody wrote names them."""

    @abstractmethod
    def is_told_by(self, leaf: Leaf) -> bool:
        """Whether one value of a payload is about them."""

    def is_in_payload(self, text: str | None) -> bool:
        """Whether a payload as it is kept, or a whole envelope, is about them: JSON, or `base64:` and bytes."""
        if not text:
            return False
        if text.startswith(RAW):
            told = _bytes(text)
            return self.is_in_payload(told) or self.is_in(told) or self.is_in(unquote_plus(told))
        try:
            leaves = _leaves("", json.loads(text))
            return any(
                self.is_told_by(leaf) or (leaf[1].startswith(RAW) and self.is_in_payload(leaf[1])) for leaf in leaves
            )
        except (ValueError, RecursionError):
            return self.is_in(text)


@dataclass(frozen=True)
class Number(DataSubject):
    """A phone number, however it is spelled: +49…, 0049…, 49…, with or without spaces between its digits."""

    digits: str
    """With the country code, without anything before it."""

    @classmethod
    def read(cls, told: str) -> "Number":
        """Raises ValueError for what is no number with its country code."""
        bare = _PUNCTUATION.sub("", told.replace("(0)", ""))
        digits = bare.removeprefix("+").removeprefix("00")
        if not re.fullmatch(rf"[1-9][0-9]{{{SHORTEST_NUMBER - 1},{LONGEST_NUMBER - 1}}}", digits):
            raise ValueError("a number with its country code is expected, such as +49 151 23456789")
        return cls(digits)

    @cached_property
    def _spelled(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\d)(?:00{_BETWEEN})?{_BETWEEN.join(self.digits)}(?!\d)", re.ASCII)

    def is_in(self, text: str) -> bool:
        """Whether its digits stand in a text, one after the other and no further ones beside them."""
        return self._spelled.search(text.replace("\xa0", " ")) is not None

    def is_told_by(self, leaf: Leaf) -> bool:
        """Whether a value is the number, or has it somewhere in its text; an id of as many digits is none."""
        return leaf[0] not in _IDS and self.is_in(leaf[1])


@dataclass(frozen=True)
class Id(DataSubject):
    """An id, in the fields of a payload that hold such ids."""

    told: str
    fields: frozenset[str]

    def is_in(self, text: str) -> bool:
        """Whether it stands in a text as a word of its own."""
        return re.search(rf"(?<!\w){re.escape(self.told)}(?!\w)", text) is not None

    def is_told_by(self, leaf: Leaf) -> bool:
        """Whether one of its fields holds it."""
        return leaf[0] in self.fields and leaf[1].strip() == self.told


def message_id(told: str) -> Id:
    """A message of ours, as the gateway names it."""
    return Id(told, frozenset({"msg_id", "sms_id"}))


def foreign_id(told: str) -> Id:
    """What we named a message or a call when we sent it."""
    return Id(told, frozenset({"foreign_id"}))


def _leaves(name: str, value: Any) -> Iterator[Leaf]:
    """Every value, those in a JSON text too; and every name of one, as a text: a form's name may be anything."""
    if isinstance(value, Mapping):
        for its_name, one in value.items():
            yield "", str(its_name)
            yield from _leaves(str(its_name), one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(name, one)
    elif value is not None:
        text = str(value)
        yield name, text
        if text.lstrip()[:1] in ("{", "["):
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                return
            yield from _leaves(name, inner)


def _bytes(text: str) -> str:
    """What `base64:` hides, as far as it is text."""
    try:
        return base64.b64decode(text.removeprefix(RAW), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text
