"""What replaces a change that failed: it does not inherit the pause, and it is sent though the standing is back."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, update

from seven.topics import HEARTBEAT
from store.notifications import has_failed, retry
from store.outbox import Outbox, Subscriber
from store.schema import notifications
from store.settlements import Fate, Settlement
from tests.store.test_outbox import ALL, LONG_AGO, claimed, note, outbox, sent, settled

__all__ = ["outbox"]
HOURS = timedelta(hours=4)


def fail(outbox: Outbox, times: int = 1) -> None:
    """Let all that waits fail so often; the last time it is due in hours."""
    for _ in range(times):
        outbox.transact(make_due)
        settled(outbox, *(Settlement(each, Fate.FAILED, "status 500", HOURS) for each in claimed(outbox)))


def beat(outbox: Outbox) -> None:
    note(outbox, "all", None, "alive", HEARTBEAT)
    outbox.fan_out(lambda: [Subscriber("all", frozenset((HEARTBEAT,)), LONG_AGO)])


def make_due(connection: Connection, now: datetime) -> None:
    connection.execute(update(notifications).where(notifications.c.due_at.is_not(None)).values(due_at=now))


def test_it_is_due_at_once(outbox: Outbox):
    """After an outage of a night each heartbeat would wait as long as the first."""
    beat(outbox)
    fail(outbox, 13)
    assert claimed(outbox) == []
    beat(outbox)
    (only,) = claimed(outbox)
    assert (only.attempts, only.was, only.now) == (0, None, "alive")


def test_it_is_still_failing(outbox: Outbox):
    """A target that fails for three days is paused, also where nothing waits for longer than a heartbeat."""
    for failures in range(2):
        beat(outbox)
        assert outbox.transact(lambda connection, now: has_failed(connection, now, "all")) is (failures > 0)
        fail(outbox)


def test_what_is_due_keeps_its_place(outbox: Outbox):
    """A record that changes all the time does not go to the end each time."""
    note(outbox, "1", None, "SENT")
    note(outbox, "2", None, "SENT")
    outbox.fan_out(lambda: [ALL])
    note(outbox, "1", "SENT", "DELIVERED")
    outbox.fan_out(lambda: [ALL])
    assert [each.key for each in claimed(outbox, at_most=1)] == ["1"]


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.RETURNED, Fate.SUPERSEDED])
def test_it_came_while_the_earlier_one_was_under_way(outbox: Outbox, fate: Fate):
    note(outbox, "1", None, "SENT")
    outbox.fan_out(lambda: [ALL])
    fail(outbox, 3)
    outbox.transact(make_due)
    claims = claimed(outbox)
    note(outbox, "1", "SENT", "DELIVERED")
    outbox.fan_out(lambda: [ALL])
    assert claimed(outbox) == []
    settled(outbox, *(Settlement(each, fate, "status 500", HOURS) for each in claims))
    (only,) = claimed(outbox)
    assert (only.attempts, only.was, only.now) == (0, None, "DELIVERED")


def back_again(outbox: Outbox) -> list[str]:
    """What is sent once the standing is as it was when the target last accepted it."""
    note(outbox, "1", "in", "out")
    outbox.fan_out(lambda: [ALL])
    return [each.now for each in claimed(outbox)]


@pytest.fixture
def failed(outbox: Outbox) -> Outbox:
    """It was out, as the target knows; that it is in has failed, or so it seems."""
    note(outbox, "1", None, "out")
    outbox.fan_out(lambda: [ALL])
    settled(outbox, *sent(claimed(outbox)))
    note(outbox, "1", "out", "in")
    outbox.fan_out(lambda: [ALL])
    return outbox


def test_back_again_after_a_failure(failed: Outbox):
    fail(failed)
    assert back_again(failed) == ["out"]


def test_back_again_after_more_than_one_change(failed: Outbox):
    """Each of them takes over that the target may have got the one that failed."""
    fail(failed)
    for was, now in (("in", "out"), ("out", "in")):
        note(failed, "1", was, now)
        failed.fan_out(lambda: [ALL])
    assert back_again(failed) == ["out"]


def test_back_again_after_a_retry(failed: Outbox):
    """Its attempts are counted anew; what the target may have got stays known."""
    fail(failed)
    assert failed.transact(lambda connection, now: retry(connection, now, "all", 10)) == 1
    assert back_again(failed) == ["out"]


def test_back_again_after_a_claim_that_was_returned(failed: Outbox):
    fail(failed)
    failed.transact(make_due)
    settled(failed, *(Settlement(each, Fate.RETURNED) for each in claimed(failed)))
    assert back_again(failed) == ["out"]


def test_back_again_after_a_kill(failed: Outbox):
    """Whoever held the claim may have sent it; its successor has not."""
    claimed(failed, lease=timedelta(0))
    settled(failed, *(Settlement(each, Fate.RETURNED) for each in claimed(failed)))
    assert back_again(failed) == ["out"]


def test_back_again_without_an_attempt(failed: Outbox):
    """Then the target knows: nothing is sent."""
    settled(failed, *(Settlement(each, Fate.RETURNED) for each in claimed(failed)))
    assert back_again(failed) == []


def test_a_row_as_it_stands_is_sent_all_the_same(failed: Outbox):
    """It is back as the target knows it, and nothing was sent; who asks for it gets it."""
    assert back_again(failed) == []
    note(failed, "1", None, "out", reaction="all", any_age=True)
    failed.fan_out(lambda: [ALL])
    assert [(each.was, each.now) for each in claimed(failed)] == [(None, "out")]
