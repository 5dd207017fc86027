"""Durations, as people read them."""

from datetime import timedelta

import pytest

from runtime.durations import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (7500, "2 h 5 min"), (86_700, "1 d"),
        (183_600, "2 d 3 h"), (-0.2, "0 s"), (-7500, "-2 h 5 min"),
    ],
)  # fmt: skip
def test_a_duration(seconds: float, text: str):
    """Two units at most, and never two that are not neighbours."""
    assert duration(timedelta(seconds=seconds)) == text
