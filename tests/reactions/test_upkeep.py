"""Upkeep: failures end with what failed, whatever became of it, so that only days of failures pause a subscriber."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, update

from store.notifications import EXPIRES_AFTER, skip_all
from store.schema import notifications, reactions
from store.settlements import Fate
from tests.reactions.subscribers import FAILED, Installation, RecordingTarget, make_due

MINUTE_S = 61


@pytest.fixture
def shop(engine: Engine) -> Iterator[Installation]:
    """One whose target fails, as it has for four days, with the change that failed."""
    shop = Installation(engine, {"shop": RecordingTarget(lambda _: FAILED)}, CollectorRegistry())
    shop.begin()
    shop.note("1", None, "SENT")
    shop.run()
    shop.run()
    with engine.begin() as connection:
        connection.execute(update(reactions).values(failing_since=datetime.now(UTC) - timedelta(days=4)))
    yield shop
    shop.dispatch.close()


def superseded(shop: Installation) -> None:
    shop.bodies.fates = {"1 - SENT": Fate.SUPERSEDED}
    make_due(shop)


def filtered(shop: Installation) -> None:
    shop.bodies.fates = {"1 - SENT": Fate.FILTERED}
    make_due(shop)


def skipped(shop: Installation) -> None:
    skip_all(shop.outbox, "shop")


def expired(shop: Installation) -> None:
    old = update(notifications).values(noted_at=datetime.now(UTC) - EXPIRES_AFTER - timedelta(hours=1))
    shop.outbox.transact(lambda connection, _: connection.execute(old))


def minutes(shop: Installation, number: int = 2) -> None:
    for _ in range(number):
        shop.now_s += MINUTE_S
        shop.run()


@pytest.mark.parametrize("become", [superseded, filtered, skipped, expired])
def test_one_failure_after_days_of_silence(shop: Installation, become: Callable[[Installation], None]):
    """What had failed was settled without an attempt; the next failure is a first one, and does not pause."""
    become(shop)
    minutes(shop)
    assert shop.subscription("shop").failing_since is None
    shop.note("2", None, "SENT")
    minutes(shop)
    assert len(shop.received("shop")) == 2
    failing_since = shop.subscription("shop").failing_since
    assert failing_since is not None
    assert datetime.now(UTC) - failing_since < timedelta(days=1)
    assert shop.states() == {"shop": "on"}


def test_failures_go_on_while_what_failed_waits(shop: Installation):
    """Nothing is tried for a while; the next failure is one of many all the same."""
    minutes(shop)
    assert shop.states() == {"shop": "on"}
    make_due(shop)
    minutes(shop)
    assert shop.states() == {"shop": "paused"}


def test_what_is_under_way_may_have_failed(shop: Installation):
    """A sender that has not settled yet: its attempt counts."""
    skip_all(shop.outbox, "shop")
    target = shop.lines["shop"].target
    assert isinstance(target, RecordingTarget)
    seen = []

    def meanwhile(_: str) -> object:
        shop.now_s += MINUTE_S
        shop.dispatch.turn()
        seen.append(shop.subscription("shop").failing_since)
        return FAILED

    target.answer = meanwhile  # type: ignore[assignment]
    shop.note("2", None, "SENT")
    shop.run()
    assert seen[0] is not None
