"""The time of receipt: by the receiver's clock, unless Redis' clock is far ahead of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from ingest.batcher import BEHIND_S, Batcher

BEHIND = timedelta(seconds=BEHIND_S)
MINUTE = timedelta(minutes=1)


def create_batcher() -> Batcher:
    unused: Any = None
    return Batcher(unused, lambda *_: None, unused, batch_size=1, waiting_limit=1, deadline_s=1)


@pytest.mark.parametrize("redis_ahead", [-400 * 24 * 60 * MINUTE, -BEHIND - MINUTE, timedelta(), BEHIND - MINUTE])
def test_its_own_clock_counts(redis_ahead: timedelta):
    """Its clock counts ahead of Redis' or a little behind: either may be right, and a late time does no harm."""
    batcher = create_batcher()
    batcher.compare(datetime.now(UTC) + redis_ahead)
    assert abs(batcher.now() - datetime.now(UTC)) < MINUTE


def test_a_clock_far_behind_is_not_trusted(caplog: pytest.LogCaptureFixture):
    """It is ignored from the moment it is set back, before Redis answers again, until it is right; each logs once."""
    batcher, now = create_batcher(), datetime.now(UTC)
    batcher.compare(now)
    with time_machine.travel(now - timedelta(days=400), tick=True):
        assert abs(batcher.now() - now) < MINUTE
        batcher.compare(now)
        batcher.compare(now)
        assert abs(batcher.now() - now) < MINUTE
    batcher.compare(datetime.now(UTC))
    assert abs(batcher.now() - datetime.now(UTC)) < MINUTE
    messages = [record.getMessage() for record in caplog.records]
    assert [("no longer" in message, "behind Redis'" in message) for message in messages] == [
        (False, True),
        (True, True),
    ]
