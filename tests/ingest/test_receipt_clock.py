"""Receipt clock: by the receiver's clock, unless Redis' clock is far ahead of it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from ingest.receipt_clock import BEHIND_S, ReceiptClock

BEHIND = timedelta(seconds=BEHIND_S)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("redis_ahead", [-400 * 24 * 60 * MINUTE, -BEHIND - MINUTE, timedelta(), BEHIND - MINUTE])
def test_its_own_clock_counts(redis_ahead: timedelta):
    """Its clock counts ahead of Redis' or a little behind: either may be right, and a late time does no harm."""
    clock = ReceiptClock()
    clock.observe(datetime.now(UTC) + redis_ahead)
    assert abs(clock.now() - datetime.now(UTC)) < MINUTE


def test_a_clock_far_behind_is_not_trusted(caplog: pytest.LogCaptureFixture):
    """It is ignored from the moment it is set back, before Redis answers again, until it is right; each logs once."""
    clock, now = ReceiptClock(), datetime.now(UTC)
    clock.observe(now)
    with time_machine.travel(now - timedelta(days=400), tick=True):
        assert abs(clock.now() - now) < MINUTE
        clock.observe(now)
        clock.observe(now)
        assert abs(clock.now() - now) < MINUTE
    clock.observe(datetime.now(UTC))
    assert abs(clock.now() - datetime.now(UTC)) < MINUTE
    messages = [record.getMessage() for record in caplog.records]
    assert [("no longer" in message, "behind Redis'" in message) for message in messages] == [
        (False, True),
        (True, True),
    ]
