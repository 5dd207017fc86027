"""Subscriptions: registered, begun once every worker knows of them, paused, resumed, removed, and back again."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from store.changes import demanded_topics
from store.subscriptions import (
    FAILING_FOR,
    OFF,
    ON,
    PAUSED,
    STARTING,
    STARTING_STATE,
    Subscription,
    begin,
    pause,
    read_subscriptions,
    record_failure,
    record_success,
    register,
    resume,
)
from store.timed_transactions import transact

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
SOON, DUE = NOW + STARTING - timedelta(seconds=1), NOW + STARTING
FAILED, READ, INBOUND = "message.failed", "message.read", "inbound.received"


class Subscriptions:
    """Those of a database, at times of the test."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def register(self, now: datetime = NOW, **topics: str) -> list[str]:
        wanted = {name: each.split() for name, each in topics.items()}
        return transact(self.engine, lambda connection, _: register(connection, now, wanted))

    def begin(self, now: datetime) -> list[str]:
        return transact(self.engine, lambda connection, _: begin(connection, now))

    def pause(self) -> bool:
        return transact(self.engine, lambda connection, now: pause(connection, now, "shop", "moved"))

    def resume(self) -> bool:
        return transact(self.engine, lambda connection, now: resume(connection, now, "shop"))

    def fail(self, now: datetime) -> None:
        transact(self.engine, lambda connection, _: record_failure(connection, now, "shop", "status 500"))

    def succeed(self, now: datetime) -> None:
        transact(self.engine, lambda connection, _: record_success(connection, now, "shop"))

    def demanded(self) -> frozenset[str]:
        return transact(self.engine, lambda connection, _: demanded_topics(connection), reads=True)

    @property
    def shop(self) -> Subscription:
        known = transact(self.engine, lambda connection, _: read_subscriptions(connection), reads=True)
        return next(each for each in known if each.name == "shop")


@pytest.fixture
def known(engine: Engine) -> Subscriptions:
    """One that was registered at noon."""
    known = Subscriptions(engine)
    assert known.register(shop=FAILED) == []
    return known


def test_it_begins_once_every_worker_knows(known: Subscriptions):
    """Its changes are noted at once, and handed to it from then on."""
    assert known.demanded() == {FAILED}
    assert (known.shop.state, known.shop.since, known.shop.begun_topics) == (STARTING_STATE, None, frozenset())
    assert known.begin(SOON) == []
    assert known.begin(DUE) == ["shop"]
    assert (known.shop.state, known.shop.since, known.shop.begun_topics) == (ON, DUE, {FAILED})
    assert known.begin(DUE) == []


def test_registered_again(known: Subscriptions):
    """Dispatchers start again and again: nothing begins anew, and a beginning is not put off."""
    known.register(SOON, shop=FAILED)
    assert known.begin(DUE) == ["shop"]
    before = known.shop
    known.register(DUE + timedelta(days=1), shop=FAILED)
    assert known.shop == before


def test_topics_that_are_added_later_begin_later(known: Subscriptions):
    """The others go on, and those that are left out end at once."""
    known.begin(DUE)
    later = DUE + timedelta(days=1)
    known.register(later, shop=f"{FAILED} {READ}")
    assert (known.shop.state, known.shop.begun_topics, known.shop.is_starting) == (ON, {FAILED}, True)
    assert known.demanded() == {FAILED, READ}
    assert known.begin(later + STARTING) == ["shop"]
    assert (known.shop.begun_topics, known.shop.since) == ({FAILED, READ}, DUE)
    known.register(later + STARTING, shop=READ)
    assert (known.shop.begun_topics, known.shop.is_starting, known.demanded()) == ({READ}, False, {READ})


def test_removed_and_back_again(known: Subscriptions):
    """Without it nobody demands its topics; it comes back without its past, and begins then."""
    known.begin(DUE)
    known.fail(DUE)
    assert known.register(DUE, other=READ) == ["shop"]
    assert (known.shop.state, known.shop.is_starting, known.demanded()) == (OFF, False, {READ})
    assert known.register(DUE, other=READ) == []
    assert known.begin(DUE + STARTING) == ["other"]
    back = DUE + timedelta(days=1)
    known.register(back, other=READ, shop=FAILED)
    assert (known.shop.state, known.shop.since, known.shop.failing_since) == (STARTING_STATE, None, None)
    assert known.begin(back + STARTING) == ["shop"]
    assert known.shop.since == back + STARTING


def test_a_clock_that_was_set_back(known: Subscriptions):
    """It does not wait for years: it begins at once."""
    assert known.begin(NOW - timedelta(days=365)) == ["shop"]
    assert known.shop.state == ON


def test_paused_while_it_is_starting(known: Subscriptions):
    """It begins all the same, so that what changes waits for it, and is not sent to until it is resumed."""
    assert known.pause()
    assert known.begin(DUE) == ["shop"]
    assert (known.shop.state, known.shop.since, known.shop.reason) == (PAUSED, DUE, "moved")
    assert known.resume()
    assert (known.shop.state, known.shop.reason) == (ON, None)


def test_resumed_before_it_has_begun(known: Subscriptions):
    """It goes on starting, and is not on before workers know of it."""
    assert known.pause()
    assert known.resume()
    assert (known.shop.state, known.shop.since) == (STARTING_STATE, None)
    assert known.begin(SOON) == []
    assert known.begin(DUE) == ["shop"]


def test_pause_and_resume_say_whether_they_did_anything(known: Subscriptions):
    """Neither wakes one that was removed."""
    assert not known.resume()
    assert known.pause()
    assert not known.pause()
    assert known.resume()
    known.register(DUE)
    assert not known.pause()
    assert not known.resume()
    assert (known.shop.state, known.demanded()) == (OFF, frozenset())


def test_a_target_that_fails_for_days(known: Subscriptions):
    """It is paused, by the time of the first failure since its last success; resuming begins to count again."""
    known.begin(DUE)
    known.fail(DUE)
    known.succeed(DUE + FAILING_FOR)
    first = DUE + FAILING_FOR + timedelta(hours=1)
    known.fail(first)
    known.fail(first + FAILING_FOR)
    assert (known.shop.state, known.shop.failing_since, known.shop.last_failure) == (ON, first, "status 500")
    known.fail(first + FAILING_FOR + timedelta(seconds=1))
    assert (known.shop.state, known.shop.reason) == (PAUSED, "its target failed for 3 days")
    assert known.resume()
    known.fail(first + 2 * FAILING_FOR)
    assert (known.shop.state, known.shop.failing_since) == (ON, first + 2 * FAILING_FOR)


def test_a_paused_one_keeps_its_topics_in_demand(known: Subscriptions):
    """What changes waits for it, also of topics that it gains."""
    known.begin(DUE)
    known.pause()
    known.register(DUE, shop=f"{FAILED} {INBOUND}")
    assert known.demanded() == {FAILED, INBOUND}
    assert known.begin(DUE + STARTING) == ["shop"]
    assert (known.shop.state, known.shop.begun_topics) == (PAUSED, {FAILED, INBOUND})
