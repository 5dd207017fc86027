"""Forgotten numbers: recognises numbers of which only a hash is kept, wherever an erasure would find them.

A hash tells nothing to whoever lacks the key; with the key, any number can be tested. So the key is a secret.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache

from seven.data_subject import DataSubject, Leaf, is_personal_leaf
from seven.envelope import RAW
from seven.number_readings import numbers_in
from seven.phone_numbers import COUNTRY_CODE
from seven.plain_numbers import plain

PSEUDONYM = "forgotten-"
"""Begins the key of a row whose own key was made of personal data."""

_BLOCK = 64
"""Of SHA-256, in bytes."""
_ESCAPE = re.compile(r"\\(?:ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|u[0-9a-f]{4}|.)")
_IN_A_NUMBER = frozenset("0123456789+-/.() ")
"""What may stand in a number."""


@dataclass(frozen=True)
class ErasureKey:
    """The secret by which forgotten numbers are hashed."""

    secret: str = field(repr=False)

    def hash(self, number: str) -> str:
        """The HMAC-SHA256 of a number's digits with its country code, in hex."""
        inner, outer = (context.copy() for context in self._contexts)
        inner.update(number.encode())
        outer.update(inner.digest())
        return outer.hexdigest()

    def pseudonym(self, key: str) -> str:
        """What replaces a key made of personal data: for repeats of one delivery the same."""
        return PSEUDONYM + self._digest(f"pseudonym {key}").hex()[:32]

    @property
    def fingerprint(self) -> str:
        """Tells this key from others, and nothing of it."""
        return self._digest("fingerprint").hex()[:16]

    @cached_property
    def _contexts(self) -> tuple["hashlib._Hash", "hashlib._Hash"]:
        """Both steps of HMAC, ready for the number: three times as fast as `hmac.digest`, for every delivery."""
        secret = self.secret.encode()
        block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(
            bytes(byte ^ 0x5C for byte in block)
        )

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self.secret.encode(), text.encode("utf-8", "surrogatepass"), "sha256")


@dataclass(frozen=True)
class ForgottenNumbers:
    """The numbers that were forgotten, and when each was."""

    key: ErasureKey
    forgotten_at: Mapping[str, datetime]
    """By the number's hash."""
    country_code: int = COUNTRY_CODE

    def may_be_in(self, payload: str) -> bool:
        """Whether any of them may be in a payload, given as the JSON text that is stored; False is certain.

        Reads the text as it is, which is several times as fast as going through its values: a delivery names hardly
        ever anybody who was forgotten.
        """
        if RAW in payload or "\\\\" in payload:  # JSON within JSON has escapes of its own
            return True
        text = _ESCAPE.sub(_unescaped, payload) if "\\" in payload else payload
        return any(self.key.hash(number) in self.forgotten_at for number in numbers_in(text, self.country_code))

    def before(self, dated: datetime | None) -> "ForgottenPeople":
        """The people whose numbers were forgotten since; all of them for what has no date."""
        return ForgottenPeople(self, dated)

    def opt_out_number(self, number: str) -> str:
        """What an opt-out of this number stands under, whatever its date: the hash of a forgotten number."""
        hash_ = self.key.hash(number)
        return hash_ if hash_ in self.forgotten_at else number


def _unescaped(escape: re.Match[str]) -> str:
    """What an escape of JSON is between digits: a plain part of a number, nothing, or an x for whatever else."""
    return _plain_escape(escape[0])


@lru_cache(4096)
def _plain_escape(escape: str) -> str:
    try:
        char: str = json.loads(f'"{escape}"')
    except ValueError:  # no escape that JSON has
        return "x"
    return "".join(each if each in _IN_A_NUMBER else " " if each.isspace() else "x" for each in plain(char))


@dataclass(frozen=True)
class ForgottenPeople(DataSubject):
    """Those whom a delivery of some date must not name."""

    numbers: ForgottenNumbers
    dated: datetime | None

    def is_in(self, text: str) -> bool:
        """Whether a text contains the number of any of them, in any spelling."""
        return any(map(self._is_forgotten, numbers_in(text, self.numbers.country_code)))

    def matches(self, leaf: Leaf) -> bool:
        """Whether a value contains the number of any of them, where a number of theirs may stand."""
        return is_personal_leaf(leaf[0]) and self.is_in(leaf[1])

    def _is_forgotten(self, number: str) -> bool:
        at = self.numbers.forgotten_at.get(self.numbers.key.hash(number))
        return at is not None and (self.dated is None or self.dated <= at)
