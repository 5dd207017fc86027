"""Event types that exist for the duration of a test, as an upgrade or a fault would bring them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from seven.aggregates import aggregates
from seven.event import EVENT_TYPES, Event
from seven.record import Record
from seven.records import Message


@contextmanager
def understood(name: str, project: Callable[[str], Iterable[Record]]) -> Iterator[None]:
    """Registers an event type whose deliveries have a `msg_id`, from which `project` makes its records."""

    class Coined(Event, event_type=name):
        about: ClassVar = Message
        example: ClassVar = {"msg_id": "5"}

        msg_id: str

        @property
        def at(self) -> datetime:
            return self.reported_at

        @property
        def subject(self) -> str:
            return self.msg_id

        def summary(self, masked: bool) -> str:
            return "coined"

        def project(self) -> Iterable[Record]:
            return project(self.msg_id)

    aggregates.cache_clear()
    try:
        yield
    finally:
        del EVENT_TYPES[name]
        aggregates.cache_clear()
