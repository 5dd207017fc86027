"""Number readings: what a number's search finds in a text is among the numbers read from it, and nothing else."""

import hmac
import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.data_subject import Number
from seven.forgotten_numbers import ErasureKey, ForgottenNumbers
from seven.number_readings import numbers_in
from seven.phone_numbers import national_digits

KEY, NOW = ErasureKey("a-key"), datetime(2026, 5, 1, tzinfo=UTC)
PIECES = [
    "49",
    "0",
    "00",
    "151",
    "1234567",
    "8",
    "(0)",
    "+",
    " ",
    "-",
    "/",
    "\xa0",
    "x",
    ",",
    "(",
    ")",
    "1",
    "39",
    "06",
    "\u2011",
    "\u202f",
    "\u200e",
    "\uff11",
    "\U0001d7ce",
]
SPELLINGS = [
    "491512345678", "+491512345678", "00491512345678", "0049 151 2345678", "+49 (0) 151 / 234-56.78", "(+49)1512345678",
    "01512345678", "call 0151 / 234-5678.", "(0)151 2345678", "(0151) 2345678", "a 49-1512345678, b", "+49\xa01512345678",
    "+49\u2011151\u202f2345678", "\u202a+49 151 2345678\u202c", "\uff14\uff191512345678", "am 3.5. 0151 2345678",
]  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_read(text: str):
    """A number in any spelling is among those read."""
    assert "491512345678" in numbers_in(text)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from([49, 39, 1]))
def test_readings_are_what_a_search_finds(text: str, country_code: int):
    """Each number read is found in the text by its own search."""
    for number in numbers_in(text, country_code):
        search = Number(number, national=national_digits(number, country_code))
        assert search.is_in(text), number


@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.sampled_from(["491512345678", "4915112345", "3906123456", "39061234567", "15112345678", "49151123456"]),
    st.sampled_from([49, 39, 1]),
)
def test_a_search_finds_only_readings(text: str, number: str, country_code: int):
    """What a number's search finds is among the numbers read, but for texts with several `(0)` in one number."""
    by_search = Number(number, national=national_digits(number, country_code))
    if by_search.is_in(text) and text.count("(0)") < 2:
        assert number in numbers_in(text, country_code)


@given(
    st.text() | st.lists(st.sampled_from([*PIECES, "\n", "\\", "ü", '"', "{", "}"]), max_size=12).map("".join),
    st.booleans(),
)
def test_a_payload_as_stored_hides_nothing(text: str, nested: bool):
    """What is in a value of a payload is noticed in its JSON, whatever stands around it and however it is escaped."""
    payload: Any = {"text": json.dumps({"inner": text}) if nested else text, "n": 1}
    for number in numbers_in(text):
        forgotten = ForgottenNumbers(KEY, {KEY.hash(number): NOW})
        assert forgotten.before(None).is_in_fields(payload)
        assert forgotten.may_be_in(json.dumps(payload, separators=(",", ":")))


def test_a_long_text_is_read_in_time():
    """Of groups of digits, and of `(0)`, eight times as many take no more than about eight times as long."""
    for piece in ("1 ", "1(0)", "(0)", "12345678-", "0"):
        few, many = (min(_processor_s(piece, size) for _ in range(3)) for size in (2_000, 16_000))
        assert many < 32 * few  # were it quadratic, 64


def _processor_s(piece: str, characters: int) -> float:
    began = time.process_time()
    numbers_in(piece * (characters // len(piece)))
    return time.process_time() - began


def test_hashes_tell_nothing():
    """A hash is hex of fixed length, another by another key, and never shows digits; neither does a representation."""
    key, number = ErasureKey("a-key"), "491512345678"
    assert re.fullmatch("[0-9a-f]{64}", key.hash(number))
    assert key.hash(number) != ErasureKey("b-key").hash(number)
    for secret in ("a-key", "k" * 64, "k" * 100):
        assert ErasureKey(secret).hash(number) == hmac.new(secret.encode(), number.encode(), "sha256").hexdigest()
    assert "a-key" not in repr(ForgottenNumbers(key, {}))
