"""Plain numbers: a text with plain digits where others are written, and what stands before a number in it.

Address books and phones copy invisible marks, wide digits, and dashes and spaces of their own along with a number.
"""

import re
import unicodedata
from functools import lru_cache

PUNCTUATION = r"\s\-/.()"
"""What stands between the digits of a number, as a class of an expression has it."""
TRUNK = "(0)"
"""The trunk prefix within an international number: no digit of it; but `(0)` may also be a digit in brackets.

Germany leaves it out there, Italy keeps it.
"""
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_COUNTRY_CODE = re.compile(rf"(?:\+|(?<![0-9])00) ?[1-9][0-9]{{0,2}}[{PUNCTUATION}]{{0,3}}\Z", re.ASCII)
_LONGEST_CODE = 10
"""Characters: `00 353 - `, and one before."""


def plain(text: str) -> str:
    """The text with plain digits, dashes and spaces, without invisible marks. Letters may differ, too."""
    return text if text.isascii() else "".join(map(_plain, unicodedata.normalize("NFKC", text)))


@lru_cache(4096)
def _plain(char: str) -> str:
    if char.isascii():
        return char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    category = unicodedata.category(char)
    return "" if category == "Cf" else " " if category[0] == "Z" else _DASHES.get(ord(char), char)


def follows_country_code(text: str, start: int) -> bool:
    """Whether a country code stands right before this place, so that a 0 here begins no number of our country."""
    return _COUNTRY_CODE.search(text[max(0, start - _LONGEST_CODE) : start]) is not None
