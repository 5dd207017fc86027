"""The announcer: an idle receiver announces at once, a busy one many batches together."""

import threading
import time
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from ingest.announcer import FEW, LONGEST_PAUSE_S, REST, Announcer
from tests.servers import PATIENCE_S, eventually


class Broker(Celery):
    """Takes announcements, each in so many seconds, or refuses them; notes them, and the pauses between them."""

    def __init__(self, takes_s: float = 0, error: Exception | None = None) -> None:
        super().__init__("test", set_as_current=False)
        self.takes_s, self.error = takes_s, error
        self.announced: list[list[str]] = []
        self.pauses: list[float] = []

    def send_task(self, *_: Any, args: Any = None, **__: Any) -> Any:
        """Note the ids of the batches."""
        self.announced.append(args[0])
        time.sleep(self.takes_s)
        if self.error:
            raise self.error

    def pause(self, seconds: float) -> None:
        """Note it, and wait."""
        self.pauses.append(seconds)
        time.sleep(seconds)

    @property
    def ids(self) -> list[str]:
        """All announced batches."""
        return [batch_id for batch_ids in self.announced for batch_id in batch_ids]


def announce(broker: Broker, *batch_ids: str) -> None:
    """Have batches announced that wait together, and wait for the pause after them."""
    announcer = Announcer(broker, sleep=broker.pause)
    for batch_id in batch_ids:
        announcer.enqueue("dlr", batch_id)
    announcer.start()
    eventually(lambda: broker.pauses, every_s=0.001)
    announcer.stop(60)


def test_an_idle_receiver_announces_each_at_once():
    """What comes when nothing waits is announced alone; the pause is short."""
    broker = Broker()
    announcer = Announcer(broker, sleep=broker.pause)
    announcer.start()
    for number in range(5):
        announcer.enqueue("dlr", f"{number}")
        eventually(lambda number=number: f"{number}" in broker.ids, every_s=0.001)
    announcer.stop(60)

    assert broker.announced == [[f"{number}"] for number in range(5)]
    assert min(broker.pauses) < LONGEST_PAUSE_S


@pytest.mark.parametrize(
    ("broker", "waiting"),
    [
        pytest.param(Broker(), FEW + 1, id="more came at once"),
        pytest.param(Broker(takes_s=LONGEST_PAUSE_S / REST), 1, id="the broker is slow"),
        pytest.param(Broker(error=OperationalError("gone")), 1, id="the broker refuses"),
    ],
)
def test_otherwise_the_pause_is_long(broker: Broker, waiting: int):
    """What comes meanwhile goes together, and no more is logged of a broker that is away."""
    batch_ids = [f"{number}" for number in range(waiting)]
    announce(broker, *batch_ids)

    assert broker.announced == [batch_ids]
    assert broker.pauses == [LONGEST_PAUSE_S]


def test_a_full_queue_leaves_the_rest_to_the_sweep(monkeypatch: pytest.MonkeyPatch):
    """No answer waits for the broker, however many batches do."""
    monkeypatch.setattr("ingest.announcer.MOST_WAITING", 2)
    broker = Broker()
    announcer = Announcer(broker, sleep=broker.pause)

    def accept() -> None:
        for batch_id in "abc":
            announcer.enqueue("dlr", batch_id)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    accepting.join(PATIENCE_S)
    assert not accepting.is_alive()
    announcer.start()
    announcer.stop(60)
    assert broker.ids == ["a", "b"]


def test_many_batches_share_an_announcement():
    """All that wait are announced, as few times as their number allows."""
    batch_ids = [f"{number}" for number in range(70)]
    broker = Broker()
    announce(broker, *batch_ids)

    assert broker.ids == batch_ids
    assert len(broker.announced) == 3
