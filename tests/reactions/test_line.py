"""Line: how much is claimed for a subscriber at once."""

import pytest

from reactions.line import Line
from reactions.reaction import FunctionTarget, Reaction
from tests.reactions.subscribers import RecordingTarget


@pytest.mark.parametrize(("number", "took_s", "claimed"), [(50, 5.0, 50), (50, 0.25, 100), (100, 0.0, 400)])
def test_as_many_are_claimed_as_are_soon_sent(number: int, took_s: float, claimed: int):
    """A slow target's changes stay with others; a fast one's are settled in few transactions."""
    line = Line(Reaction("shop", frozenset(), FunctionTarget("shop", "open")), RecordingTarget())
    line.finished(number, took_s)
    assert line.claim_size == claimed
