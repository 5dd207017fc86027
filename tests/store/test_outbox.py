"""Outbox: each change is handed to its subscribers once; the latest of a record replaces those that wait."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from store.notifications import (
    EXPIRES_AFTER,
    KEPT,
    ClaimedNotification,
    backlogs,
    claim,
    count_due,
    expire,
    remove_settled,
    retry,
    skip,
)
from store.outbox import Outbox, Subscriber
from store.schema import changes, notifications
from store.settlements import Fate, Settlement, settle
from tests.factories.changes import EVERYTHING, NOON
from tests.servers import PATIENCE_S, eventually

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ALL = Subscriber("all", EVERYTHING, LONG_AGO)
LEASE = timedelta(seconds=30)


@pytest.fixture
def outbox(engine: Engine) -> Iterator[Outbox]:
    outbox = Outbox(engine)
    yield outbox
    outbox.close()


def note(outbox: Outbox, key: str, was: str | None, now: str, topic: str = "message.pending", **more: Any) -> None:
    values = {"topic": topic, "key": key, "was": was, "now": now, "at": NOON, "noted_at": NOON + timedelta(minutes=1)}
    with outbox.engine.begin() as connection:
        connection.execute(insert(changes).values(values | more))


def claimed(
    outbox: Outbox, name: str = "all", at_most: int = 100, lease: timedelta = LEASE
) -> list[ClaimedNotification]:
    return outbox.transact(lambda connection, now: claim(connection, now, name, at_most, lease))


def settled(outbox: Outbox, *settlements: Settlement) -> None:
    outbox.transact(lambda connection, now: settle(connection, now, settlements))


def sent(claims: Sequence[ClaimedNotification]) -> list[Settlement]:
    return [Settlement(each, Fate.SENT) for each in claims]


def test_a_change_is_handed_to_those_who_want_it(outbox: Outbox):
    note(outbox, "1", None, "SENT")
    note(outbox, "2", None, "received", "inbound.received")
    only = Subscriber("inbound", frozenset({"inbound.received"}), LONG_AGO)
    result = outbox.fan_out(lambda: [ALL, only, Subscriber("later", EVERYTHING, NOON + timedelta(hours=1))])
    assert (result.changes, result.notified) == (2, {"all": 2, "inbound": 1})
    assert outbox.fan_out(lambda: [ALL, only]).changes == 0
    assert [each.key for each in claimed(outbox, "inbound")] == ["2"]
    assert claimed(outbox, "later") == []


def test_what_cannot_be_handed_out_stays(outbox: Outbox):
    """Whoever does not know all subscribers leaves it to others."""
    note(outbox, "1", None, "SENT")
    assert outbox.fan_out(lambda: None).changes == 0
    assert outbox.fan_out(lambda: [ALL]).notified == {"all": 1}


def test_the_latest_replaces_what_waits(outbox: Outbox):
    """One notification, from before the first change to after the last."""
    note(outbox, "1", None, "SENT")
    assert outbox.fan_out(lambda: [ALL]).superseded == {}
    note(outbox, "1", "SENT", "ACCEPTED")
    note(outbox, "1", "ACCEPTED", "DELIVERED", "message.delivered")
    assert outbox.fan_out(lambda: [ALL]).superseded == {"all": 2}
    (only,) = claimed(outbox)
    assert (only.was, only.now, only.topic) == (None, "DELIVERED", "message.delivered")


def test_what_is_under_way_is_waited_for(outbox: Outbox):
    """A change that comes while the earlier one is sent follows it; what was sent is its former status."""
    note(outbox, "1", None, "SENT")
    outbox.fan_out(lambda: [ALL])
    first = claimed(outbox)
    note(outbox, "1", "SENT", "DELIVERED", "message.delivered")
    outbox.fan_out(lambda: [ALL])
    assert claimed(outbox) == []
    settled(outbox, *sent(first))
    (second,) = claimed(outbox)
    assert (second.was, second.now) == ("SENT", "DELIVERED")
    settled(outbox, *sent([second]))
    assert claimed(outbox) == []
    assert outbox.transact(lambda connection, _: backlogs(connection))["all"].settled == {"sent": 1}


def test_a_lease_ends(outbox: Outbox):
    """What a killed dispatcher had claimed goes to others; what it says afterwards is nobody's any more."""
    note(outbox, "1", None, "SENT")
    outbox.fan_out(lambda: [ALL])
    dead = claimed(outbox, lease=timedelta(0))
    again = claimed(outbox)
    assert [each.key for each in again] == ["1"]
    settled(outbox, Settlement(dead[0], Fate.FAILED, "too late"))
    assert claimed(outbox) == []
    claims = select(notifications.c.claim, notifications.c.attempts)
    assert outbox.transact(lambda connection, _: connection.execute(claims).one()) == (again[0].claim, 0)
    settled(outbox, *sent(again))
    assert outbox.transact(partial(count_due, reaction="all", at_most=9)) == 0


def test_a_clock_that_was_set_back(outbox: Outbox):
    """What is due in a year, by a clock that was a year ahead, is due now."""
    note(outbox, "1", None, "SENT")
    outbox.fan_out(lambda: [ALL])
    outbox.transact(lambda connection, now: connection.execute(update(notifications).values(due_at=now + LEASE * 1e6)))
    assert outbox.transact(partial(count_due, reaction="all", at_most=9)) == 1
    assert len(claimed(outbox)) == 1


def test_failures_wait(outbox: Outbox):
    note(outbox, "1", None, "SENT")
    outbox.fan_out(lambda: [ALL])
    settled(outbox, Settlement(claimed(outbox)[0], Fate.FAILED, "status 500", timedelta(hours=1)))
    assert claimed(outbox) == []
    backlog = outbox.transact(lambda connection, _: backlogs(connection))["all"]
    assert (backlog.waiting, backlog.failing) == (1, 1)
    assert outbox.transact(lambda connection, now: retry(connection, now, "all", 10)) == 1
    assert [each.attempts for each in claimed(outbox)] == [0]


def test_what_waits_for_too_long_expires(outbox: Outbox):
    note(outbox, "1", None, "SENT", noted_at=datetime.now(UTC) - EXPIRES_AFTER - LEASE, any_age=True)
    note(outbox, "2", None, "SENT", noted_at=datetime.now(UTC), any_age=True)
    outbox.fan_out(lambda: [ALL])
    assert outbox.transact(partial(expire, at_most=9)) == {"all": 1}
    assert [each.key for each in claimed(outbox)] == ["2"]
    assert outbox.transact(lambda connection, now: retry(connection, now, "all", 10)) == 1
    assert [each.key for each in claimed(outbox)] == ["1"]


def test_what_is_under_way_does_not_expire(outbox: Outbox):
    """Until its lease ends: whoever sends it settles it."""
    note(outbox, "1", None, "SENT", noted_at=datetime.now(UTC) - EXPIRES_AFTER - LEASE, any_age=True)
    outbox.fan_out(lambda: [ALL])
    claims = claimed(outbox)
    assert outbox.transact(partial(expire, at_most=9)) == {}
    settled(outbox, *sent(claims))
    assert outbox.transact(lambda connection, _: backlogs(connection))["all"].settled == {"sent": 1}


def test_an_old_event_is_stale(outbox: Outbox):
    """By the time from the event to its noting; not where a person asked for it."""
    late = NOON + timedelta(days=4)
    note(outbox, "1", None, "SENT", noted_at=late)
    note(outbox, "2", None, "SENT", noted_at=late, any_age=True)
    note(outbox, "3", None, "SENT", noted_at=late, at=None)
    result = outbox.fan_out(lambda: [ALL])
    assert (result.stale, result.notified) == ({"all": 1}, {"all": 2})
    assert sorted(each.key for each in claimed(outbox)) == ["2", "3"]


def test_rows_as_they_stand_are_for_one(outbox: Outbox):
    """Also those of before it began."""
    note(outbox, "1", None, "SENT", reaction="new")
    new = Subscriber("new", EVERYTHING, NOON + timedelta(days=1))
    assert outbox.fan_out(lambda: [ALL, new]).notified == {"new": 1}


def test_there_and_back_is_no_change(outbox: Outbox):
    note(outbox, "disk", "good", "wrong", "health.failed")
    subscriber = Subscriber("all", frozenset({"health.failed", "health.recovered"}), LONG_AGO)
    outbox.fan_out(lambda: [subscriber])
    note(outbox, "disk", "wrong", "good", "health.recovered")
    assert outbox.fan_out(lambda: [subscriber]).superseded == {"all": 2}
    assert claimed(outbox) == []


def test_skipped_and_removed(outbox: Outbox):
    for number in range(5):
        note(outbox, str(number), None, "SENT")
    outbox.fan_out(lambda: [ALL])
    assert outbox.transact(lambda connection, now: skip(connection, now, "all", 9)) == 5
    assert outbox.transact(lambda connection, now: remove_settled(connection, now + KEPT + LEASE, 3)) == 3
    with outbox.queue.connect().execution_options(reads=True) as connection:
        assert len(connection.execute(select(notifications.c.key)).all()) == 2


def test_dispatchers_share(outbox: Outbox):
    """Of many that fan out and claim at once, each change is claimed by one."""
    for number in range(300):
        note(outbox, str(number), None, "SENT")

    keys: list[str] = []

    def round_is_last() -> bool:
        outbox.fan_out(lambda: [ALL])
        claims = claimed(outbox, at_most=7)
        keys.extend(each.key for each in claims)
        settled(outbox, *sent(claims))
        return len(keys) >= 300

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: eventually(round_is_last), range(4)))
    assert sorted(keys) == sorted(map(str, range(300)))


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_what_is_handed_out_anew_is_not_removed(outbox: Outbox):
    """While another dispatcher hands out a later change of a record that was settled long ago."""
    note(outbox, "1", None, "SENT")
    outbox.fan_out(lambda: [ALL])
    settled(outbox, *sent(claimed(outbox)))
    late = datetime.now(UTC) + KEPT + LEASE
    with outbox.queue.begin() as other, ThreadPoolExecutor(1) as thread:
        other.execute(update(notifications).values(state="waiting", settled_at=None, due_at=NOON))
        removed = thread.submit(outbox.transact, lambda connection, _: remove_settled(connection, late, 3))
        assert removed.result(PATIENCE_S) == 0
    assert [each.key for each in claimed(outbox)] == ["1"]
