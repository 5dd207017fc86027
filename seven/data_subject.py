"""Data subject: recognises a person's phone number, or an id of their message or call, in deliveries."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from string import digits as all_digits
from typing import Any
from urllib.parse import unquote_plus

from seven.envelope import RAW, raw_text
from seven.phone_numbers import COUNTRY_CODE, digits, national_digits
from seven.plain_numbers import PUNCTUATION, TRUNK, follows_country_code, plain

_BETWEEN = f"[{PUNCTUATION}]*"
_IDS = frozenset({"id", "msg_id", "sms_id"})
_OWN_NUMBERS = frozenset({"system", "callerId", "agent_id"})
"""The payload fields that hold a number of ours: the recipient of what comes in, the caller of what goes out."""
_RUN = re.compile(f"[0-9{PUNCTUATION}]+", re.ASCII)
_PIECE = re.compile(r"\(0\)|[0-9]|[^0-9]")

Leaf = tuple[str, str]
"""The name of one value in a payload, and its text."""


class DataSubject(ABC):
    """The person whose data is searched for."""

    own_number = False
    """Whether they are also searched for where a number of ours stands; a person is never our own number there."""

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
        if text.startswith(RAW) and (decoded := raw_text(text)) != text:  # else a text begins so
            return self.is_in_payload(decoded) or self.is_in(decoded) or self.is_in(unquote_plus(decoded))
        try:
            return self.is_in_fields(json.loads(text))
        except (ValueError, RecursionError):
            return self.is_in(text)

    def is_in_fields(self, decoded: Any) -> bool:
        """Whether the decoded JSON of a payload or envelope is about them."""
        leaves = _leaves(decoded)
        return any(self.matches(leaf) or (leaf[1].startswith(RAW) and self.is_in_payload(leaf[1])) for leaf in leaves)


def is_personal_leaf(name: str, own_number: bool = False) -> bool:
    """Whether the phone number of a person may stand in a field of this name, or with `own_number` one of ours."""
    return name not in _IDS and (own_number or name not in _OWN_NUMBERS)


@dataclass(frozen=True)
class Number(DataSubject):
    """A phone number in any spelling: +49…, 0049…, 49…, 0151…, with or without punctuation between its digits."""

    digits: str
    """With the country code, without a prefix."""
    own_number: bool = False
    national: str | None = field(default=None, compare=False)
    """Its digits without the country code, as people in our country write them."""

    @classmethod
    def parse(cls, text: str, own_number: bool = False, country_code: int = COUNTRY_CODE) -> "Number":
        """Parse a number in any usual spelling. Raises ValueError for text that is none."""
        number = digits(text, country_code)
        return cls(number, own_number, national_digits(number, country_code))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Linear: nothing that may stand between two digits is a digit."""
        return re.compile(rf"(?<!\d)(?:00)?{_BETWEEN.join(self.digits)}(?!\d)", re.ASCII)

    @cached_property
    def _national_pattern(self) -> re.Pattern[str] | None:
        if self.national is None:
            return None
        return re.compile(rf"(?<!\d){_BETWEEN.join(self.national)}(?!\d)", re.ASCII)

    @cached_property
    def _places(self) -> dict[str, int]:
        """For each digit, the places where the number has it, as bits."""
        return {digit: sum(1 << place for place, own in enumerate(self.digits) if own == digit) for digit in all_digits}

    def is_in(self, text: str) -> bool:
        """Whether a text contains its digits in sequence, with no other digits next to them."""
        text = plain(text)
        if self._national_pattern and self._is_national_in(text.replace(TRUNK, "0"), self._national_pattern):
            return True
        if TRUNK not in text:  # the usual case
            return self._pattern.search(text) is not None
        return any(self._is_in_run(run) for run in _RUN.findall(text))

    @staticmethod
    def _is_national_in(text: str, pattern: re.Pattern[str]) -> bool:
        """Whether it stands there without its country code; after another country's it is another number."""
        return any(not follows_country_code(text, match.start()) for match in pattern.finditer(text))

    def _is_in_run(self, run: str) -> bool:
        """Whether it is in a run of digits and punctuation, in which each `(0)` may be read or skipped.

        An expression would try every combination of the two. This keeps all of them, as bits: after each piece, bit n
        is set if the first n digits may end here.
        """
        complete, reached, adjacent = 1 << len(self.digits), 0, ""
        for piece in _PIECE.findall(run):
            if piece in self._places:
                begin = 1 if adjacent in ("", "00") else 0
                reached = ((reached | begin) & self._places[piece]) << 1
                adjacent = (adjacent + piece)[-3:]  # the digits just before; more than three are as good as three
                continue
            if piece == TRUNK:
                reached |= (reached & self._places["0"]) << 1
            if reached & complete:
                return True
            adjacent = ""
        return bool(reached & complete)

    def matches(self, leaf: Leaf) -> bool:
        """Whether a value contains the number. An id with the same digits is not a phone number."""
        return is_personal_leaf(leaf[0], self.own_number) and self.is_in(leaf[1])


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


def _leaves(decoded: Any) -> Iterator[Leaf]:
    """Every value, also within a JSON text, and every name as a text: a form's field name may be anything.

    Without recursion, which would hand each value through as many generators as it is nested deep.
    """
    values = [("", decoded)]
    while values:
        name, value = values.pop()
        if isinstance(value, Mapping):
            yield from (("", str(inner_name)) for inner_name in value)
            values += [(str(inner_name), inner) for inner_name, inner in value.items()]
        elif isinstance(value, list):
            values += [(name, inner) for inner in value]
        elif value is not None:
            text = str(value)
            yield name, text
            if text.lstrip()[:1] in ("{", "["):
                with suppress(ValueError, RecursionError):
                    values.append((name, json.loads(text)))
