"""Tables: one line a row at any width; nothing is broken, nothing leaves before it must."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli.output.tables import GAP, Column, layout, pairs, wrapped
from cli.output.values import short_times

ID = "0195e1d0-0000-7000-8000-000000000013"
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
COLUMNS = ["how many", "what it said", Column("because", 1), Column("delivery", 2)]
ROWS = [[7, "The quick brown fox jumps over the lazy dog", "no reason at all", ID]]


@pytest.mark.parametrize(
    ("width", "head", "row"),
    [
        pytest.param(None, "how many  what it said                                 because           delivery", f"       7  The quick brown fox jumps over the lazy dog  no reason at all  {ID}", id="any"),
        pytest.param(109, "how many  what it said                                 because           delivery", f"       7  The quick brown fox jumps over the lazy dog  no reason at all  {ID}", id="enough"),
        pytest.param(80, "many  what it said                                 because", "   7  The quick brown fox jumps over the lazy dog  no reason at all", id="without an id"),
        pytest.param(60, "many  what it said", "   7  The quick brown fox jumps over the lazy dog", id="without a reason"),
        pytest.param(30, "many  what it said", "   7  The quick brown fox…", id="shortened after a word"),
    ],
)  # fmt: skip
def test_what_gives_way_first(width: int | None, head: str, row: str):
    """Names take two lines, the rarest column leaves, then the next; last the text is cut after a word."""
    laid_out = layout(COLUMNS, ROWS, width)
    assert (laid_out.head[-1], laid_out.rows) == (head, [row])


def test_an_id_is_shortened_in_its_middle():
    """Both ends of an id stay, and only once texts have given way."""
    assert layout(["id"], [[ID]], 20).rows == ["0195e1d0-0…000000013"]
    assert layout(["id", "text"], [[ID, "some more words here"]], 51).rows == [f"{ID}  some more…"]
    assert layout(["id", "text"], [[ID, "some more words here"]], 40).rows == ["0195e1d0-000…000000000013  some more…"]


def test_rows_that_cannot_fit_become_paragraphs():
    """Each value is there in full below its name, and rows are apart."""
    columns = [f"column {n}" for n in range(8)]
    rows = [["a value", *range(10**9, 10**9 + 7)], ["", *range(10**9, 10**9 + 7)]]
    lines = layout(columns, rows, 40).rows
    assert lines[:2] == ["column 0  a value", "column 1  1000000000"]
    assert (lines[8], lines[9]) == ("", "column 1  1000000000")


def test_figures_stand_right_and_all_are_whole():
    """Numbers are aligned at their last digit and never shortened; times neither."""
    assert layout(["n", "at"], [[1, NOON], [1000, NOON], [None, None]], 10).rows[0] == "n   1"
    assert layout(["n", "at"], [[1, NOON], [1000, NOON]], 30).rows == [
        "   1  2026-03-29 12:00:00",
        "1000  2026-03-29 12:00:00",
    ]


@given(
    st.lists(st.lists(st.text(max_size=60) | st.integers() | st.none(), min_size=3, max_size=3), max_size=4),
    st.integers(20, 120),
)
def test_no_line_is_wider_than_its_width(rows: list[list[object]], width: int):
    """Whatever is in the cells, wide characters included; unless a word alone is wider, in a paragraph."""
    laid_out = layout(["one", Column("two", 1), "three"], rows, width)
    if laid_out.head:
        assert all(cell_len(line) <= width for line in (*laid_out.head, *laid_out.rows))
        assert len(laid_out.rows) == len(rows)


@given(st.text(alphabet="ab -/.", max_size=200), st.integers(5, 40))
def test_words_stay_whole(text: str, width: int):
    """Every word of a text is in one of its lines, in order, and lines are no wider than the width or their one word."""
    lines = wrapped(text, width)
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or " " not in line.strip() for line in lines)


def test_long_values_go_on_below_themselves():
    """Names on the left, values on the right, each in full."""
    assert pairs([("a", "one two three four"), ("label", "x" * 30)], 20) == [
        f"a    {GAP}one two three",
        f"     {GAP}four",
        f"label{GAP}{'x' * 30}",
    ]


def test_short_times():
    """A day that all share is taken out; else a year; times of several years stay whole."""
    assert short_times([NOON, None, NOON + timedelta(hours=1)]) == ("2026-03-29", ["12:00:00", "", "13:00:00"])
    assert short_times([NOON, NOON + timedelta(days=1)]) == ("2026", ["03-29 12:00:00", "03-30 12:00:00"])
    assert short_times([NOON, NOON + timedelta(days=400)])[0] == ""
    assert short_times([None]) == ("", [""])
