"""Number readings: every phone number that a text may be read to contain.

The reverse of `Number.is_in`, for numbers that are known by their hashes only: `Number.parse(n).is_in(text)` is true
where `n` is among `numbers_in(text)`. One difference keeps it bounded: of several `(0)` within one number at most one
is read as a digit.
"""

import re
from collections.abc import Iterator

from seven.phone_numbers import COUNTRY_CODE, LONGEST_NUMBER, SHORTEST_NUMBER, writes_a_trunk_prefix
from seven.plain_numbers import PUNCTUATION, TRUNK, follows_country_code, plain

_SHORTEST_WRITTEN = SHORTEST_NUMBER - 2
"""Characters: of a number written with a 0 instead of its country code, which has up to three digits."""
_RUN = re.compile(rf"[0-9(][0-9{PUNCTUATION}]{{{_SHORTEST_WRITTEN - 1},}}", re.ASCII)
"""A run of digits and of what may stand between them, long enough for a number."""
_DIGITS = re.compile("[0-9]+")
_DIGITS_OR_TRUNK = re.compile(r"\(0\)|[0-9]+")
_Reading = tuple[str, bool]
"""The digits so far, and whether a `(0)` is among them."""


def numbers_in(text: str, country_code: int = COUNTRY_CODE) -> set[str]:
    """The digits, with the country code, of every number of which the text may be read to contain the digits."""
    numbers, may_be_national = set[str](), False
    if len(text) < _SHORTEST_WRITTEN:
        return numbers
    text = plain(text)
    for run in _RUN.findall(text):
        groups: list[str] = _DIGITS.findall(run)
        if TRUNK in run:
            numbers.update(_international(run))
        else:
            _add_plain(numbers, groups)  # the usual case, in a fraction of the time
        if any(group[0] == "0" for group in groups):
            may_be_national = True
    if may_be_national:
        numbers.update(_national(text.replace(TRUNK, "0"), country_code))
    return numbers


def _international(run: str) -> Iterator[str]:
    """A number begins where a group of digits does, after a 00 if it has one, and ends where a group ends."""
    groups: list[str] = _DIGITS_OR_TRUNK.findall(run)
    for index, group in enumerate(groups):
        if group == TRUNK:
            continue
        for first in (group, group[2:]) if group.startswith("00") else (group,):
            if first[:1] not in ("", "0"):
                yield from _continued(first, groups, index + 1)


def _add_plain(numbers: set[str], groups: list[str]) -> None:
    """Add what `_international` reads of a run without any `(0)`."""
    for index, group in enumerate(groups):
        digits = group.removeprefix("00")
        if digits[:1] in ("", "0"):
            continue
        following = index + 1
        while len(digits) <= LONGEST_NUMBER:
            if len(digits) >= SHORTEST_NUMBER:
                numbers.add(digits)
            if following == len(groups):
                break
            digits += groups[following]
            following += 1


def _continued(first: str, groups: list[str], following: int) -> Iterator[str]:
    """A number that begins with these digits, as long as it may become."""
    readings: set[_Reading] = {(first, False)}
    yield from _of_length(readings)
    for group in (groups[index] for index in range(following, len(groups))):
        if group == TRUNK:
            added = {(digits + "0", True) for digits, has_trunk in readings if not has_trunk}
            yield from _of_length(added)
            readings |= added
        else:
            readings = {(digits + group, has_trunk) for digits, has_trunk in readings}
            yield from _of_length(readings)
        readings = {reading for reading in readings if len(reading[0]) <= LONGEST_NUMBER}
        if not readings:
            return


def _of_length(readings: set[_Reading]) -> Iterator[str]:
    return (digits for digits, _ in readings if SHORTEST_NUMBER <= len(digits) <= LONGEST_NUMBER)


def _national(text: str, country_code: int) -> Iterator[str]:
    """A number without its country code begins with a 0; after another country's code it is another number."""
    drops = writes_a_trunk_prefix(country_code)
    for run in _RUN.finditer(text):
        groups = list(_DIGITS.finditer(run[0]))
        for index, first in enumerate(groups):
            if first[0][0] != "0" or follows_country_code(text, run.start() + first.start()):
                continue
            digits = ""
            for group in groups[index : index + LONGEST_NUMBER + 1]:
                digits += group[0]
                number = f"{country_code}{digits[drops:]}"
                if len(number) > LONGEST_NUMBER:
                    break
                if len(number) >= SHORTEST_NUMBER:
                    yield number
