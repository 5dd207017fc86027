"""Turns: however much is to be handed out or dropped, subscribers are sent to meanwhile, and a pause is noticed."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, Engine, func, select, update

from reactions import upkeep
from store import outbox, subscriptions
from store.notifications import EXPIRES_AFTER
from store.schema import notifications
from store.timed_transactions import database_time, transact
from tests.reactions.subscribers import Installation, RecordingTarget

PORTION = 3


@pytest.fixture
def shop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """One that hands out few at a time."""
    monkeypatch.setattr(outbox, "CHANGES_AT_ONCE", PORTION)
    shop = Installation(engine, {"shop": RecordingTarget()}, CollectorRegistry())
    shop.begin()
    yield shop
    shop.dispatch.close()


def before_each_portion(shop: Installation, monkeypatch: pytest.MonkeyPatch, act: Callable[[int], object]) -> None:
    """Act before a portion is handed out, with its number."""
    hand_out, numbers = shop.outbox.fan_out, iter(range(1000))

    def acting(*arguments: Any) -> Any:
        act(next(numbers))
        return hand_out(*arguments)

    monkeypatch.setattr(shop.outbox, "fan_out", acting)


def waiting(shop: Installation) -> int:
    query = select(func.count()).where(notifications.c.state == "waiting")
    return shop.outbox.transact(lambda connection, _: connection.execute(query).scalar_one())


def test_sending_begins_with_the_first_portion(shop: Installation, monkeypatch: pytest.MonkeyPatch):
    """After an outage of hours, nobody waits until all is handed out."""
    for number in range(4 * PORTION):
        shop.note(str(number), None, "SENT")
    requested: list[bool] = []
    before_each_portion(shop, monkeypatch, lambda _: requested.append(bool(shop.requested)))
    shop.dispatch.turn()
    assert requested == [False, True, True, True, True]


def test_a_pause_is_noticed_while_more_comes_than_is_handed_out(shop: Installation, monkeypatch: pytest.MonkeyPatch):
    """The turn does not end; who is paused in it is sent nothing more."""
    was_on: list[bool] = []

    def come(number: int) -> None:
        was_on.append(shop.lines["shop"].is_on)
        if number == 2:
            transact(shop.outbox.engine, partial(subscriptions.pause, name="shop", reason="by a person"))
        for n in range(PORTION if number < 6 else 0):
            shop.note(f"{number} {n}", None, "SENT")

    before_each_portion(shop, monkeypatch, come)
    shop.dispatch.turn()
    assert was_on == [True, True, True, True, False, False, False]


def test_a_turn_ends_once_the_process_does(shop: Installation, monkeypatch: pytest.MonkeyPatch):
    for number in range(4 * PORTION):
        shop.note(str(number), None, "SENT")
    before_each_portion(shop, monkeypatch, lambda number: number == 1 and shop.dispatch.stop())
    shop.dispatch.turn()
    assert waiting(shop) == 2 * PORTION


def test_a_turn_drops_only_so_much(shop: Installation, monkeypatch: pytest.MonkeyPatch):
    """Of a million changes that expired a part at a time, and subscribers are sent to in between."""
    for number in range(5):
        shop.note(str(number), None, "SENT")
    shop.dispatch.turn()
    shop.requested.clear()
    shop.outbox.transact(make_old)
    monkeypatch.setattr(upkeep, "ROWS_AT_ONCE", 1)
    slow(shop, monkeypatch)
    left = []
    for _ in range(5):
        shop.now_s += upkeep.EVERY_S if not left else upkeep.REST_S
        shop.dispatch.turn()
        left.append(waiting(shop))
        assert shop.requested
    assert left == [3, 1, 0, 0, 0]


def make_old(connection: Connection, _: Any) -> None:
    old = database_time(connection) - 2 * EXPIRES_AFTER
    connection.execute(update(notifications).values(noted_at=old))


def slow(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two portions take as long as upkeep may."""
    expire = upkeep.notifications.expire

    def slowly(*arguments: Any, **more: Any) -> Any:
        shop.now_s += upkeep.AT_MOST_S / 2
        return expire(*arguments, **more)

    monkeypatch.setattr(upkeep.notifications, "expire", slowly)
