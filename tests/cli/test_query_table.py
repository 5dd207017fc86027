"""The table of `query`: rows fit the terminal, and nothing is broken or shortened that has to be copied."""

import pytest
from rich.cells import cell_len

from cli.output.query import fit

MSG_ID, TIME = "77229135982780", "2026-03-29 12:00:00"


@pytest.mark.parametrize("width", [80, 120])
def test_prose_gives_way(width: int):
    """The longest column of prose is shortened at its end, wide characters included; ids and times stay whole."""
    text = "the quick brown 狐狸 jumps over " * 10
    (row,) = fit(("at", "msg_id", "text"), [[TIME, MSG_ID, text]], width) or [[]]
    assert row[:2] == [TIME, MSG_ID]
    assert row[2].endswith("…")
    assert text.startswith(row[2][:-1])
    assert width - 3 <= sum(map(cell_len, row)) + 2 * 2 <= width


def test_what_fits_is_left_alone():
    """So is an answer of exactly the width."""
    rows = [["a" * 30, "b b" * 16]]
    assert fit(("x", "y"), rows, 80) == rows


@pytest.mark.parametrize(
    "row",
    [[MSG_ID] * 6, [TIME] * 5, [TIME, MSG_ID, MSG_ID, MSG_ID, "some words of people"]],
    ids=["ids", "times", "both"],
)
def test_rows_that_do_not_fit_are_shown_one_by_one(row: list[str]):
    """Nothing may be shortened, or too little would be left of it."""
    assert fit([f"column {number}" for number in range(len(row))], [row], 60) is None
