"""The announcer: an idle receiver announces at once, a busy one many batches together."""

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from ingest import announcer
from ingest.announcer import LONGEST_PAUSE_S, REST, Announcer
from tests.servers import eventually


class Broker:
    """Notes announcements, and the pauses after them; each takes so long."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, takes_s: float) -> None:
        self.announced: list[Sequence[str]] = []
        self.pauses: list[float] = []

        def announce(_app: Celery, _queue: str, batch_ids: Sequence[str], **_: Any) -> None:
            self.announced.append(batch_ids)
            time.sleep(takes_s)

        def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            time.sleep(seconds)

        monkeypatch.setattr(announcer, "announce", announce)
        monkeypatch.setattr(announcer, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))

    @property
    def ids(self) -> list[str]:
        return [batch_id for batch_ids in self.announced for batch_id in batch_ids]


def test_an_idle_receiver_announces_each_at_once(monkeypatch: pytest.MonkeyPatch):
    """What comes when nothing waits is announced alone; the pause is as short as that was."""
    broker, subject = Broker(monkeypatch, 0), Announcer(Celery("test", set_as_current=False))
    subject.start()
    for number in range(5):
        subject.enqueue("dlr", f"{number}")
        eventually(lambda number=number: f"{number}" in broker.ids, every_s=0)
    subject.stop(60)

    assert broker.announced == [[f"{number}"] for number in range(5)]
    assert min(broker.pauses) < LONGEST_PAUSE_S


def test_a_busy_receiver_announces_many_together(monkeypatch: pytest.MonkeyPatch):
    """Where announcing takes its time, the pause is long, and what comes meanwhile goes together; nothing is left out."""
    broker, subject = Broker(monkeypatch, LONGEST_PAUSE_S / REST), Announcer(Celery("test", set_as_current=False))
    subject.enqueue("dlr", "first")
    subject.start()
    eventually(lambda: broker.pauses)
    others = [f"{number}" for number in range(20)]
    for batch_id in others:
        subject.enqueue("dlr", batch_id)
    subject.stop(60)

    assert broker.ids == ["first", *others]
    assert len(broker.announced) <= 1 + len(others) / 2
    assert set(broker.pauses) == {LONGEST_PAUSE_S}
