"""Phone numbers: a number in any usual spelling as its digits with the country code, as the gateway writes it.

The library's numbering plans only decide between two readings of one text: what they call invalid has its digits all
the same, since plans change, and fictional numbers are in none.
"""

import re
from functools import cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat

from seven.plain_numbers import PUNCTUATION, TRUNK, plain

SHORTEST_NUMBER, LONGEST_NUMBER = 8, 15
"""Digits with the country code: fewer would match times and totals, more are not a phone number (E.164)."""
COUNTRY_CODE = 49
"""The default of SEVEN_COUNTRY_CODE."""

EXPECTED = "a phone number is expected, such as +49 30 9876543, 0049 30 9876543, 49309876543 or 030 9876543"

_PUNCTUATION = re.compile(f"[{PUNCTUATION}]")
_INTERNATIONAL = re.compile(r"^(?:\+|00(?=[1-9]))")
_E164 = re.compile(rf"[1-9][0-9]{{{SHORTEST_NUMBER - 1},{LONGEST_NUMBER - 1}}}")
_LONGEST_TEXT = 60
_LONG = 11
"""Digits of a number without a prefix that are rather those of another country, if both readings are valid.

Of the countries that write no 0 only Italy and Luxembourg have numbers so long, and few.
"""


def digits(text: str, country_code: int = COUNTRY_CODE) -> str:
    """The digits of a number, as people write it, with its country code, without a prefix: `4915123456789`.

    A number that begins with one 0 belongs to the country of `country_code`; so does one without a prefix that is valid
    there, if that country writes its own numbers without a 0, as the United States do, unless it is long. Raises
    ValueError for what is no number: a name, a short code, fewer than 8 or more than 15 digits. Its sentence does not
    repeat the text.
    """
    return _digits(text, country_code, bare_may_be_national=not writes_a_trunk_prefix(country_code))


def gateway_digits(text: str, country_code: int = COUNTRY_CODE) -> str:
    """The same of a number as the gateway writes it: without a prefix it has its country code.

    `33612345678` is French for an Italian installation, too, though an Italian number may have these digits.
    """
    return _digits(text, country_code, bare_may_be_national=False)


def _digits(text: str, country_code: int, *, bare_may_be_national: bool) -> str:
    written = _plain(text)
    bare = _PUNCTUATION.sub("", written)
    if (prefix := _INTERNATIONAL.match(bare)) is not None:
        return _international(bare[prefix.end() :], _without_trunk(written))
    if bare.startswith("0"):
        return _checked(_e164(_parsed(bare, country_code)))
    if bare_may_be_national and _is_national(bare, number := _parsed(bare, country_code)):
        return _checked(_e164(number))
    return _international(bare, _without_trunk(written))


def national_digits(number: str, country_code: int) -> str | None:
    """The number as people in that country write it: `015123456789`.

    None for a number of elsewhere; and if they write it without a 0, since it could then be any figure.
    """
    code = str(country_code)
    within = number.removeprefix(code)
    if within == number or len(number) < SHORTEST_NUMBER:
        return None
    return f"0{within}" if writes_a_trunk_prefix(country_code) else within if within.startswith("0") else None


@cache
def writes_a_trunk_prefix(country_code: int) -> bool:
    """Whether people in that country write a 0 before their numbers, which the country code replaces."""
    metadata = PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_country_code(country_code))
    return metadata is not None and metadata.national_prefix == "0"


def is_country_code(number: int) -> bool:
    """Whether it is the code of a country."""
    return phonenumbers.region_code_for_country_code(number) not in ("ZZ", "001")


def _plain(text: str) -> str:
    """The text in ASCII. Raises ValueError."""
    text = plain(text[: _LONGEST_TEXT + 1]).strip().removeprefix("tel:")
    if len(text) > _LONGEST_TEXT or not re.fullmatch(r"\+?[0-9]+", _PUNCTUATION.sub("", text)):
        raise ValueError(EXPECTED)
    return text


def _without_trunk(written: str) -> str:
    return _INTERNATIONAL.sub("", _PUNCTUATION.sub("", written.replace(TRUNK, "")), count=1)


def _is_national(bare: str, number: PhoneNumber) -> bool:
    """Whether digits without a prefix mean this number of the country where they were written."""
    if not phonenumbers.is_valid_number(number):
        return False
    if len(bare) < _LONG:
        return True
    try:
        return not phonenumbers.is_valid_number(phonenumbers.parse(f"+{bare}"))
    except NumberParseException:
        return True


def _international(written: str, without_trunk: str) -> str:
    """The digits as written, but without a trunk prefix that does not belong to them.

    The library may leave out more, such as Mexico's old mobile prefix, which senders still have.
    """
    try:
        number = phonenumbers.parse(f"+{written}")
    except NumberParseException:
        return _checked(without_trunk)
    e164, code = _e164(number), str(number.country_code)
    if phonenumbers.is_valid_number(number) and written in (e164, f"{code}0{e164[len(code) :]}"):
        return _checked(e164)
    return _checked(without_trunk)


def _parsed(written: str, country_code: int) -> PhoneNumber:
    """The number as someone in that country means it. Raises ValueError."""
    try:
        return phonenumbers.parse(written, phonenumbers.region_code_for_country_code(country_code))
    except NumberParseException:
        raise ValueError(EXPECTED) from None


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")


def _checked(number: str) -> str:
    if not _E164.fullmatch(number):
        raise ValueError(EXPECTED)
    return number
