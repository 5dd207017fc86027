"""Regular expressions: none takes longer than in proportion to its text, whatever people write or strangers send."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seven.data_subject import Number
from tests.extent import size, sized
from tests.fuzz.expressions import EXPRESSIONS, TRUSTED, WorstCase
from tests.fuzz.expressions_in_code import expressions_in_code

LENGTH = size(100_000, 300_000)
"""Characters: in proportion that is a fraction of a second; by its square minutes, or as good as for ever."""
AT_MOST_CPU_S = 10.0
PIECES = st.sampled_from(
    ["(0)", "0", "1", "49", "a", "A", "_", " ", "\t", "-", "+", ".", ",", ":", "://", "/", "\\", '"', "'", "=", "[", "]", "[x]", "(", ")",
     "{", "\r\n", "\x00", "é", "\xa0", "ids", "batch", "0123abcd-", "/hooks/", "upgrade:", '"id":"']
)  # fmt: skip


class TooLong(Exception):  # noqa: N818 - the finding
    pass


@contextmanager
def limited_cpu() -> Iterator[None]:
    """Ends a block after AT_MOST_CPU_S of this process' own time; an expression looks for signals as it searches."""

    def end(_: int, __: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, AT_MOST_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def repeated(case: WorstCase) -> str:
    beginning, piece, end = case
    return beginning + piece * (LENGTH // max(1, len(piece))) + end


def test_every_expression_is_listed():
    """A new expression fails here until its worst cases are listed, or why it needs none."""
    assert sorted(set(expressions_in_code())) == sorted([*EXPRESSIONS, *TRUSTED])


@sized
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_worst_cases_take_no_time(name: str):
    """Each expression reads LENGTH characters of its worst cases within seconds."""
    for case in EXPRESSIONS[name].worst_cases:
        with limited_cpu():
            EXPRESSIONS[name].apply(repeated(case))


@sized
@settings(max_examples=settings().max_examples // size(8, 4))
@given(name=st.sampled_from(sorted(EXPRESSIONS)), case=st.tuples(*3 * [st.lists(PIECES, max_size=4).map("".join)]))
@example(name="seven/data_subject.py: _RUN", case=("49151", "(0)", "x"))
def test_any_repetition_takes_no_time(name: str, case: WorstCase):
    """So does it with any other repetition; `make fuzz` tries thousands."""
    with limited_cpu():
        EXPRESSIONS[name].apply(repeated(case))


@pytest.mark.parametrize(
    "text", ["[" * 900 + "1," * LENGTH + "1" + "]" * 900, json.dumps(["[" * 900] * 300)], ids=["deep", "texts"]
)
def test_nested_payloads_are_searched_in_no_time(text: str):
    """The depth of a payload does not multiply with its length."""
    with limited_cpu():
        assert not Number("491510001234").is_in_payload(text)


def readings(text: str) -> set[str]:
    """Every reading of a text, each `(0)` skipped or read as a digit in brackets."""
    parts = text.split("(0)")
    return {
        "".join(part + between for part, between in zip(parts, [*chosen, ""], strict=True))
        for chosen in product(("", "(0)"), repeat=len(parts) - 1)
    }


@given(
    digits=st.sampled_from(["100", "1001", "10", "120", "1020"]),
    text=st.lists(st.sampled_from(["(0)", "0", "1", "2", "(", ")", " ", "-", "00", "x", "10", "0(0)"]), max_size=9).map(
        "".join
    ),
)
def test_a_zero_in_brackets_is_read_and_skipped(digits: str, text: str):
    """A number is found exactly if one of the readings has it, with no other digit beside it."""
    expected = any(_is_in(digits, reading) for reading in readings(text.replace("(0)", "<(0)>")))
    assert Number(digits).is_in(text) == expected


def _is_in(digits: str, reading: str) -> bool:
    """Whether digits are in a reading; `<>` marks a skipped `(0)`, which parts what is beside it."""
    text = reading.replace("<(0)>", "-0-").replace("<>", "-")
    plain = [index for index, character in enumerate(text) if character.isdecimal()]
    for start in range(len(plain) - len(digits) + 1):
        places = plain[start : start + len(digits)]
        between = text[places[0] : places[-1] + 1]
        before = text[: places[0]]
        beside = before.removesuffix("00") if before.endswith("00") else before
        if (
            "".join(text[place] for place in places) == digits
            and not set(between) - set("0123456789 -/.()")
            and not text[places[-1] + 1 : places[-1] + 2].isdecimal()
            and not beside[-1:].isdecimal()
        ):
            return True
    return False
