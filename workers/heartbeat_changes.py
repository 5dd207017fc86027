"""Heartbeat changes: notes for each subscriber that asks for heartbeats that this installation lives.

While the database is away nothing can be noted, so heartbeats stop: a dead man's switch notices their absence.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine, func, select

from seven.topics import HEARTBEAT
from store.change_rows import insert_handed_out
from store.outbox import is_alone
from store.schema import changes
from store.subscriptions import read_subscriptions
from store.timed_transactions import transact
from workers.own_change_rows import own_change


class HeartbeatChanges:
    """Heartbeats of subscribers that get them by now, each in its time.

    The tables are read only when one is due as far as is known here; while a subscriber is starting, at each call.
    """

    def __init__(
        self, engine: Engine, every_s: Mapping[str, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`every_s`: the seconds between two, by subscriber."""
        self._engine, self._every_s, self._clock = engine, every_s, clock
        self._due_s = dict.fromkeys(every_s, clock())

    def note(self) -> None:
        """Note one for each subscriber whose last, by any process, is long enough ago. Raises StoreAway."""
        now_s = self._clock()
        due = [name for name, due_s in self._due_s.items() if due_s <= now_s]
        if due:
            left = transact(self._engine, partial(self._note, names=due))
            self._due_s |= {name: now_s + seconds for name, seconds in left.items()}

    def _note(self, connection: Connection, now: datetime, names: Sequence[str]) -> dict[str, float]:
        """The seconds until the next, by subscriber; empty where somebody else is at it.

        Without those that get no heartbeats yet: what is noted before is handed to nobody.
        """
        if not is_alone(connection):
            return {}
        begun = {each.name for each in read_subscriptions(connection) if HEARTBEAT in each.begun_topics}
        names = [name for name in names if name in begun]
        c = changes.c  # by the key, the subscriber's name: few of many changes are heartbeats
        latest = select(c.key, func.max(c.noted_at)).where(c.key.in_(names), c.topic == HEARTBEAT).group_by(c.key)
        known: dict[str, datetime] = {name: at for name, at in connection.execute(latest)}  # noqa: C416
        left = {name: self._left_s(name, known.get(name), now) for name in names}
        rows = [
            own_change(HEARTBEAT, name, None, "alive", now, reaction=name)
            for name, seconds in left.items()
            if not seconds
        ]
        insert_handed_out(connection, rows, now)
        return {name: seconds or self._every_s[name] for name, seconds in left.items()}

    def _left_s(self, name: str, latest: datetime | None, now: datetime) -> float:
        """Until the next is due; 0 for now, also where the clock has been set back."""
        every_s = self._every_s[name]
        ago_s = (now - latest).total_seconds() if latest else every_s
        return every_s - ago_s if 0 <= ago_s < every_s else 0.0
