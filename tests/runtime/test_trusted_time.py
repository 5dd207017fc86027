"""Trusted time: which of several clocks is trusted, and when none is."""

from datetime import UTC, datetime, timedelta

import pytest

from runtime.trusted_time import AGREEMENT, ClocksDisagree, trusted_time

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.mark.parametrize("wrong", ["Redis", "the database", "this machine"])
@pytest.mark.parametrize("by", [-1200 * DAY, -AGREEMENT - SECOND, AGREEMENT + SECOND, 1200 * DAY])
def test_clocks_that_disagree_are_refused(wrong: str, by: timedelta):
    """The error names the wrong clock and one that it disagrees with."""
    clocks = dict.fromkeys(("Redis", "the database", "this machine"), NOW) | {wrong: NOW + by}
    with pytest.raises(ClocksDisagree, match=f"clock of {wrong}.*ahead of" if by > timedelta() else f"that of {wrong}"):
        trusted_time(clocks)


@pytest.mark.parametrize("by", [-AGREEMENT, -SECOND, timedelta(), SECOND, AGREEMENT])
def test_the_least_of_agreeing_clocks_is_trusted(by: timedelta):
    """The least time errs on the safe side: data that is too young to be removed stays."""
    assert trusted_time({"Redis": NOW, "the database": NOW + by}) == min(NOW, NOW + by)
