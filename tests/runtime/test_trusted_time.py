"""Trusted time: which of several clocks is believed, and when none is."""

from datetime import UTC, datetime, timedelta

import pytest

from runtime.trusted_time import AGREEMENT, ClocksDisagree, latest_believable, trusted_time

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.mark.parametrize("wrong", ["Redis", "the database", "this machine"])
@pytest.mark.parametrize("by", [-1200 * DAY, -AGREEMENT - SECOND, AGREEMENT + SECOND, 1200 * DAY])
def test_none_is_believed_while_they_disagree(wrong: str, by: timedelta):
    """Whichever it is, and however it is wrong, the refusal names it and one that it disagrees with."""
    clocks = dict.fromkeys(("Redis", "the database", "this machine"), NOW) | {wrong: NOW + by}
    with pytest.raises(ClocksDisagree, match=f"clock of {wrong}.*ahead of" if by > timedelta() else f"that of {wrong}"):
        trusted_time(clocks)


@pytest.mark.parametrize("by", [-AGREEMENT, -SECOND, timedelta(), SECOND, AGREEMENT])
def test_the_least_is_believed_while_they_agree(by: timedelta):
    """It errs to the safe side alone: what is too young to be removed stays."""
    assert trusted_time({"Redis": NOW, "the database": NOW + by}) == min(NOW, NOW + by)


def test_a_moment_told_by_two_clocks():
    """The later one is believed, unless it is in the future; where both are, the earlier."""
    assert latest_believable((NOW - 3 * DAY, NOW), NOW) == NOW
    assert latest_believable((NOW, NOW + 3 * DAY), NOW) == NOW
    assert latest_believable((NOW + DAY, NOW + 3 * DAY), NOW) == NOW + DAY
