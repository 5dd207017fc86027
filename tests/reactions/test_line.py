"""Line: how much is claimed for a subscriber at once, and what becomes of the rest."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, update

from reactions.line import FEWEST_CLAIMED, Line
from reactions.reaction import FunctionTarget, Reaction
from reactions.target import Attempt
from store import notifications, subscriptions
from store.notifications import backlogs
from store.schema import reactions
from tests.reactions.subscribers import Installation, RecordingTarget


@pytest.mark.parametrize(("number", "took_s", "claimed"), [(50, 5.0, 50), (50, 0.25, 100), (100, 0.0, 400)])
def test_as_many_are_claimed_as_are_soon_sent(number: int, took_s: float, claimed: int):
    """A slow target's changes stay with others; a fast one's are settled in few transactions."""
    line = Line(Reaction("shop", frozenset(), FunctionTarget("shop", "open")), RecordingTarget())
    line.finished(number, took_s)
    assert line.claim_size == claimed


def test_what_a_slow_target_does_not_get_in_time_is_for_others(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """Of a claim it gets what is begun within two seconds; the rest is returned, and the next claim is small."""
    installation = Installation(engine, {"shop": (target := RecordingTarget())}, CollectorRegistry())
    installation.begin()
    line, sizes, received = installation.lines["shop"], list[int](), list[int]()
    line.claim_size = 400
    claim, accept = notifications.claim, target.send

    def counted(connection: Any, now: Any, reaction: str, at_most: int, lease: Any) -> Any:
        sizes.append(at_most)
        received.append(len(target.received))
        return claim(connection, now, reaction, at_most, lease)

    def send(change_id: str, body: bytes) -> Attempt:
        installation.now_s += 1
        return accept(change_id, body)

    monkeypatch.setattr(notifications, "claim", counted)
    monkeypatch.setattr(target, "send", send)
    for number in range(6):
        installation.note(str(number), None, "SENT")
    installation.run()
    assert sizes[0] == 400
    assert set(sizes[1:]) == {FEWEST_CLAIMED}
    assert received[:4] == [0, 2, 4, 6]
    assert len(target.received) == 6
    installation.dispatch.close()


def test_what_an_earlier_start_has_not_dropped_is_dropped(engine: Engine):
    """Of a reaction that is no longer in the file: who removed it was killed before all was skipped."""
    first = Installation(engine, {"shop": RecordingTarget()}, CollectorRegistry())
    first.begin()
    first.note("1", None, "SENT")
    first.dispatch.turn()
    with engine.begin() as connection:
        connection.execute(update(reactions).values(state=subscriptions.OFF))
    second = Installation(engine, {"tickets": RecordingTarget()}, CollectorRegistry())
    second.dispatch.turn()
    assert second.outbox.transact(lambda connection, _: backlogs(connection))["shop"].settled == {"skipped": 1}
    for each in (first, second):
        each.dispatch.close()
