"""Trace terms: what one look-up may mean: an id in any case, a number in any spelling, a short URL, a label."""

import json
from dataclasses import dataclass

from seven.data_subject import DataSubject, Leaf, Number
from seven.field_types import storable
from seven.phone_numbers import COUNTRY_CODE, digits

_SCHEMES = ("https://", "http://")
_NO_SUBJECT = frozenset({"", "webhook_event", "webhook_timestamp"})
"""Names of values that are about nobody; of a field's own name it is empty."""
_LAST_DIGITS = 4  # together even where spaces stand between the others


@dataclass(frozen=True)
class Terms(DataSubject):
    """Whatever a look-up may mean, as the database spells it; and where a payload has it."""

    typed: str
    names: tuple[str, ...]
    """As typed, and the part before a space: a subject of two parts begins with an id."""
    numbers: tuple[str, ...]
    """The spellings in which senders and recipients are stored, if it may be a phone number; `typed` last."""
    urls: tuple[str, ...]
    number: Number | None

    @classmethod
    def of(cls, text: str, country_code: int = COUNTRY_CODE) -> "Terms":
        """The meanings of what someone typed. `country_code` is that of numbers with a leading 0."""
        typed = storable(text.strip())
        first = typed.partition(" ")[0]
        bare = typed
        for scheme in _SCHEMES:
            bare = bare.removeprefix(scheme)
        try:
            number = digits(typed, country_code)
        except ValueError:
            number = None
        return cls(
            typed,
            tuple(dict.fromkeys((typed, first))),
            (*((number, f"+{number}", f"00{number}") if number else ()), typed),
            tuple(dict.fromkeys((typed, *(f"{scheme}{bare}" for scheme in _SCHEMES)))),
            None if number is None else Number.parse(typed, own_number=True, country_code=country_code),
        )

    @property
    def needles(self) -> tuple[str, ...]:
        """Parts in lower case of which a payload, as ASCII JSON, has at least one if it has any of these terms."""
        in_json = json.dumps(self.typed)[1:-1].lower()
        return (in_json, self.number.digits[-_LAST_DIGITS:]) if self.number else (in_json,)

    def is_in(self, text: str) -> bool:
        """Whether free text, such as bytes that were not decoded, has it."""
        return _has_word(text.casefold(), self.typed.casefold()) or (
            self.number is not None and self.number.is_in(text)
        )

    def matches(self, leaf: Leaf) -> bool:
        """Whether one value of a payload is it."""
        value = leaf[1].strip()
        return leaf[0] not in _NO_SUBJECT and (
            value.casefold() == self.typed.casefold()
            or value in self.urls
            or (self.number is not None and self.number.matches(leaf))
        )


def _has_word(text: str, word: str) -> bool:
    """Whether the word stands in the text with nothing beside it that an id may have."""
    at = text.find(word) if word else -1
    while at >= 0:
        beside = text[at - 1 : at] + text[at + len(word) : at + len(word) + 1]
        if not any(char.isalnum() or char in "-_.@" for char in beside):
            return True
        at = text.find(word, at + 1)
    return False
