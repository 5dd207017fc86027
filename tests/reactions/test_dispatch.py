"""Dispatch: each subscriber gets what changed since it began, at its own pace, whatever its target answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, delete, select, update

from reactions.backoff import OPENS_AFTER
from reactions.dispatch import LONGEST_CLAIM_S
from reactions.target import Answer, Attempt
from store import subscriptions
from store.notifications import backlogs
from store.schema import changes, notifications, reactions
from store.settlements import Fate
from tests.reactions.subscribers import ACCEPTED, FAILED, GONE, Installation, RecordingTarget, make_due


class Subscribers:
    """Makes installations, and closes them."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.made, self.registry = engine, list[Installation](), CollectorRegistry()

    def __call__(self, **targets: Any) -> Installation:
        installation = Installation(self.engine, targets, CollectorRegistry())
        self.made.append(installation)
        installation.begin()
        return installation


@pytest.fixture
def installation(engine: Engine) -> Iterator[Subscribers]:
    subscribers = Subscribers(engine)
    yield subscribers
    for each in subscribers.made:
        each.dispatch.close()


def test_it_begins_once_every_worker_knows(engine: Engine):
    """What is noted before is not sent: workers that did not know of it yet may have missed changes."""
    target = RecordingTarget()
    early = Installation(engine, {"shop": target}, CollectorRegistry())
    early.run()
    assert early.states() == {"shop": "starting"}
    early.note("1", None, "SENT")
    early.begin()
    assert early.states() == {"shop": "on"}
    early.note("2", None, "SENT")
    early.run()
    assert target.received == ["2 - SENT"]
    early.dispatch.close()
    assert target.is_closed


def test_nothing_is_lost_while_it_begins(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """Another dispatcher has it begin, in the middle of a turn of this one."""
    target = RecordingTarget()
    this, other = (Installation(engine, {"shop": target}, CollectorRegistry()) for _ in range(2))
    this.run()
    hand_out = this.outbox.fan_out

    def later(*arguments: Any) -> Any:
        other.begin()
        this.note("1", None, "SENT")
        return hand_out(*arguments)

    monkeypatch.setattr(this.outbox, "fan_out", later)
    this.dispatch.turn()
    monkeypatch.undo()
    this.run()
    assert target.received == ["1 - SENT"]
    for each in (this, other):
        each.dispatch.close()


def test_each_gets_it_once(installation: Subscribers):
    one_shop, other = RecordingTarget(), RecordingTarget()
    both = installation(shop=one_shop, other=other)
    for number in range(120):
        both.note(f"{number:03}", None, "SENT")
    both.run()
    both.run()
    assert sorted(one_shop.received) == sorted(other.received) == [f"{number:03} - SENT" for number in range(120)]


def test_a_failure_is_tried_again_and_a_later_status_replaces_it(installation: Subscribers):
    target = RecordingTarget(lambda _: FAILED)
    shop = installation(shop=target)
    shop.note("1", None, "SENT")
    shop.run()
    shop.run()
    assert target.received == ["1 - SENT"]  # and its next attempt is not due yet
    shop.note("1", "SENT", "DELIVERED")
    target.answer = lambda _: ACCEPTED
    make_due(shop)
    shop.run()
    assert target.received == ["1 - SENT", "1 - DELIVERED"]
    assert settled(shop) == {"sent": 1}


def test_a_dead_target_is_left_alone_and_disturbs_no_other(installation: Subscribers):
    dead, live = RecordingTarget(lambda _: FAILED), RecordingTarget()
    both = installation(dead=dead, live=live)
    for number in range(100):
        both.note(str(number), None, "SENT")
    for _ in range(5):
        both.run()
    assert len(dead.received) == OPENS_AFTER
    assert len(live.received) == 100
    both.now_s += 10
    both.run()
    assert len(dead.received) == OPENS_AFTER + 1  # one probe
    dead.answer = lambda _: ACCEPTED
    both.now_s += 60
    make_due(both)
    both.run()
    both.run()
    assert settled(both, "dead") == {"sent": 100}


def test_a_target_that_wants_a_pause_gets_it(installation: Subscribers):
    target = RecordingTarget(lambda _: Attempt(Answer.FAILED, "status 429", retry_after_s=120))
    shop = installation(shop=target)
    for number in range(10):
        shop.note(str(number), None, "SENT")
    shop.run()
    assert len(target.received) == 1
    shop.now_s += 100
    shop.run()
    assert len(target.received) == 1
    target.answer = lambda _: ACCEPTED
    shop.now_s += 30
    shop.run()
    shop.run()
    assert len(target.received) == 10  # the refused one is not due yet


def test_gone_pauses(installation: Subscribers):
    """410 ends it until a person resumes it; nothing that waits is lost."""
    target = RecordingTarget(lambda _: GONE)
    shop = installation(shop=target)
    shop.note("1", None, "SENT")
    shop.note("2", None, "SENT")
    shop.run()
    shop.run()
    assert (len(target.received), shop.states()) == (1, {"shop": "paused"})
    target.answer = lambda _: ACCEPTED
    shop.outbox.transact(lambda _, now: now)
    with shop.outbox.engine.begin() as connection:
        assert subscriptions.resume(connection, datetime.now(UTC), "shop")
    make_due(shop)
    shop.run()
    shop.run()
    assert settled(shop) == {"sent": 2}


def test_three_days_of_failures_pause(installation: Subscribers):
    target = RecordingTarget(lambda _: FAILED)
    shop = installation(shop=target)
    shop.note("1", None, "SENT")
    shop.run()
    shop.run()
    with shop.outbox.engine.begin() as connection:
        connection.execute(update(reactions).values(failing_since=datetime.now(UTC) - timedelta(days=4)))
    make_due(shop)
    shop.now_s += 61
    shop.run()
    shop.run()
    assert shop.states() == {"shop": "paused"}


def test_what_no_longer_stands_is_not_sent(installation: Subscribers):
    target = RecordingTarget()
    shop = installation(shop=target)
    shop.bodies.fates = {"1 - SENT": Fate.SUPERSEDED, "2 - SENT": Fate.FILTERED}
    for key in ("1", "2", "3"):
        shop.note(key, None, "SENT")
    shop.run()
    assert target.received == ["3 - SENT"]
    assert settled(shop) == {"superseded": 1, "filtered": 1, "sent": 1}


def test_a_reaction_that_leaves_the_file_is_off(installation: Subscribers, engine: Engine):
    """What waits for it is dropped, and it begins anew if it comes back."""
    two = installation(shop=RecordingTarget(lambda _: FAILED), other=RecordingTarget())
    two.note("1", None, "SENT")
    two.run()
    rest = Installation(engine, {"other": RecordingTarget()}, CollectorRegistry())
    rest.run()
    assert rest.states() == {"shop": "off", "other": "on"}
    assert settled(rest, "shop") == {"skipped": 1}
    rest.dispatch.close()


def test_a_lease_covers_an_attempt(installation: Subscribers):
    """Also one that begins as late as any of its claim: nobody else sends the same meanwhile."""
    shop, left = installation(shop=(target := RecordingTarget())), list[timedelta]()

    def answer(_: str) -> Attempt:
        ends_at = select(notifications.c.due_at)
        left.append(shop.outbox.transact(lambda connection, now: connection.execute(ends_at).scalar_one() - now))
        return ACCEPTED

    target.answer = answer
    shop.note("1", None, "SENT")
    shop.run()
    assert len(left) == 1
    assert left[0] > timedelta(seconds=LONGEST_CLAIM_S + shop.lines["shop"].reaction.timeout_s)


def test_bodies_may_take_long_to_read(installation: Subscribers, monkeypatch: pytest.MonkeyPatch):
    """From a busy database: what was claimed is sent, as long as its lease covers the attempt."""
    shop = installation(shop=(target := RecordingTarget()))
    read = shop.bodies.read

    def slow(*arguments: Any) -> Any:
        shop.now_s += LONGEST_CLAIM_S + 1
        return read(*arguments)

    monkeypatch.setattr(shop.bodies, "read", slow)
    shop.note("1", None, "SENT")
    shop.run()
    assert target.received == ["1 - SENT"]


def test_a_new_file_of_notifications_sends_again(installation: Subscribers):
    """Restored from a backup without them: what was noted in the last days is sent again, by the same ids."""
    shop = installation(shop=(target := RecordingTarget()))
    shop.note("1", None, "SENT")
    shop.run()
    shop.outbox.transact(lambda connection, _: connection.execute(delete(notifications)))
    with shop.outbox.engine.begin() as connection:
        connection.execute(update(changes).values(fanned_out_at=None))
    if shop.outbox.queue is not shop.outbox.engine:
        shop.outbox.transact(lambda connection, _: connection.exec_driver_sql("DELETE FROM fan_out_position"))
    shop.run()
    assert target.received == ["1 - SENT", "1 - SENT"]


def settled(installation: Installation, name: str = "shop") -> Any:
    return installation.outbox.transact(lambda connection, _: backlogs(connection))[name].settled
