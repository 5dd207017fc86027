"""The time of receipt: by the receiver's clock, unless Redis' is far ahead of it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from ingest.batcher import BEHIND_S, Batcher

BEHIND = timedelta(seconds=BEHIND_S)
MINUTE = timedelta(minutes=1)


def gathering() -> Batcher:
    nothing: object = None
    return Batcher(nothing, lambda *_: None, nothing, batch_size=1, waiting_limit=1, deadline_s=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("redis_ahead", [-400 * 24 * 60 * MINUTE, -BEHIND - MINUTE, timedelta(), BEHIND - MINUTE])
def test_its_own_clock_counts(redis_ahead: timedelta):
    """Ahead of Redis', or a little behind: nobody could say which of two is right, and late does no harm."""
    received = gathering()
    received.compare(datetime.now(UTC) + redis_ahead)
    assert abs(received.now() - datetime.now(UTC)) < MINUTE


def test_a_clock_far_behind_is_not_believed(caplog: pytest.LogCaptureFixture):
    """From the moment it is set back, before Redis has answered again, until it is right; it is said once each."""
    received, now = gathering(), datetime.now(UTC)
    received.compare(now)
    with time_machine.travel(now - timedelta(days=400), tick=True):
        assert abs(received.now() - now) < MINUTE
        received.compare(now)
        received.compare(now)
        assert abs(received.now() - now) < MINUTE
    received.compare(datetime.now(UTC))
    assert abs(received.now() - datetime.now(UTC)) < MINUTE
    said = [one.getMessage() for one in caplog.records]
    assert [("not any more" in one, "behind Redis'" in one) for one in said] == [(False, True), (True, True)]
