"""Rest: a target that is left alone is tried at once where a person asks for it, and only then."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from reactions.target import Answer, Attempt
from store import notifications, subscriptions
from store.timed_transactions import transact
from tests.reactions.subscribers import ACCEPTED, Installation, RecordingTarget

BUSY = Attempt(Answer.FAILED, "status 503", retry_after_s=3 * 3600)


@pytest.fixture
def shop(engine: Engine) -> Iterator[Installation]:
    """One whose target has asked to be left alone for hours, while ten changes wait, and is mended since."""
    target = RecordingTarget(lambda _: BUSY)
    shop = Installation(engine, {"shop": target}, CollectorRegistry())
    shop.begin()
    for number in range(10):
        shop.note(str(number), None, "SENT")
    shop.run()
    shop.run()
    assert len(target.received) == 1
    yield shop
    shop.dispatch.close()


def retry(shop: Installation) -> None:
    """As `reactions retry` does."""
    transact(shop.outbox.engine, partial(subscriptions.end_failures, name="shop"))
    shop.outbox.transact(partial(notifications.retry, reaction="shop", at_most=100))


def resume(shop: Installation) -> None:
    transact(shop.outbox.engine, partial(subscriptions.pause, name="shop", reason="by a person"))
    shop.run()
    transact(shop.outbox.engine, partial(subscriptions.resume, name="shop"))


def resume_between_two_turns(shop: Installation) -> None:
    """So that no turn sees the pause."""
    transact(shop.outbox.engine, partial(subscriptions.pause, name="shop", reason="by a person"))
    transact(shop.outbox.engine, partial(subscriptions.resume, name="shop"))


def mend(shop: Installation) -> None:
    target = shop.lines["shop"].target
    assert isinstance(target, RecordingTarget)
    target.answer = lambda _: ACCEPTED


@pytest.mark.parametrize("act", [retry, resume, resume_between_two_turns])
def test_a_person_ends_it(shop: Installation, act: Callable[[Installation], None]):
    mend(shop)
    shop.run()
    assert len(shop.received("shop")) == 1
    act(shop)
    shop.run()
    shop.run()
    assert len(set(shop.received("shop"))) == 10


def test_a_target_that_is_not_mended(shop: Installation):
    """It is tried once each time that a person asks, also within a minute, and rests on."""
    for times in range(2, 5):
        retry(shop)
        for _ in range(3):
            shop.now_s += 1
            shop.run()
        assert len(shop.received("shop")) == times
        assert shop.subscription("shop").last_failure == "status 503"


def test_another_dispatcher_has_a_success(shop: Installation):
    """The target asked this one for a rest, and gets it."""
    mend(shop)
    transact(shop.outbox.engine, partial(subscriptions.record_success, name="shop"))
    shop.run()
    shop.run()
    assert len(shop.received("shop")) == 1


def test_a_paused_one_stays_paused(shop: Installation):
    """Its rest ends when it is resumed."""
    mend(shop)
    transact(shop.outbox.engine, partial(subscriptions.pause, name="shop", reason="by a person"))
    shop.run()
    retry(shop)
    shop.run()
    assert len(shop.received("shop")) == 1
    transact(shop.outbox.engine, partial(subscriptions.resume, name="shop"))
    shop.run()
    shop.run()
    assert len(set(shop.received("shop"))) == 10
