"""Health changes: notes which checks of `status` begin to fail, and recover; and heartbeats.

This reaches installations without Alertmanager, too. While the database is away nothing can be noted, so heartbeats
stop as well: a dead man's switch notices their absence.
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from operations.checks.check import Check, Grade
from operations.checks.readings import read_now
from operations.checks.registry import judge_now
from operations.checks.subject import CheckedSettings, Replicas, Subject
from runtime.logs import logger
from seven.topics import HEALTH, HEARTBEAT
from store.check_standings import read_names, read_standings
from store.outbox import is_alone
from store.row_writer import StoreAway
from store.schema import changes
from store.subscriptions import read_subscriptions
from store.timed_transactions import transact

log = logger("seven.reactions")

LOOK_S = 60.0
FAILING = {Grade.WRONG, Grade.UNKNOWN}
LOOKS = 2
"""How often in a row a check fails before it counts: a restart takes seconds."""
GOOD = "good"


class HealthChanges:
    """Looks at the checks of one installation. One look at a time."""

    def __init__(self, engine: Engine, run_checks: Callable[[], Sequence[Check]]) -> None:
        self._engine, self._run_checks = engine, run_checks
        self._findings: Mapping[str, Check] = {}
        self._failures: dict[str, int] = {}
        self._noted: set[str] | None = None

    def finding(self, check: str) -> tuple[str, str]:
        """What the last look saw of a check, and the remedy."""
        latest = self._findings.get(check)
        return (latest.finding, latest.remedy) if latest else ("", "")

    def look(self) -> None:
        """Run the checks, and note which stand otherwise than at the last change. Raises StoreAway."""
        self._findings = worst = _worst(self._run_checks())
        for name, check in worst.items():
            self._failures[name] = self._failures.get(name, 0) + 1 if check.grade in FAILING else 0
        self._failures |= dict.fromkeys(self._failures.keys() - worst.keys(), 0)
        if self._noted is None:  # also what an earlier version checked
            self._noted = transact(self._engine, lambda connection, _: read_names(connection), reads=True)
        transact(self._engine, partial(self._note, names=sorted({*self._failures, *self._noted})))

    def _note(self, connection: Connection, now: datetime, names: Sequence[str]) -> None:
        if not is_alone(connection):
            return
        standings = read_standings(connection, names)
        rows = []
        for name in names:
            failures = self._failures.get(name, 0)
            _, was = standings.get(name, (0, GOOD))
            grade = self._findings[name].grade if name in self._findings else Grade.GOOD
            if was == GOOD and failures >= LOOKS:
                rows.append(_row(HEALTH[0], name, was, grade.value, now))
            elif was != GOOD and not failures:
                rows.append(_row(HEALTH[1], name, was, GOOD, now))
        if rows:
            connection.execute(insert(changes), _for(connection, rows, now))


class Heartbeats:
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
            _row(HEARTBEAT, name, None, "alive", now) | {"reaction": name}
            for name, seconds in left.items()
            if not seconds
        ]
        if rows:
            connection.execute(insert(changes), _for(connection, rows, now))
        return {name: seconds or self._every_s[name] for name, seconds in left.items()}

    def _left_s(self, name: str, latest: datetime | None, now: datetime) -> float:
        """Until the next is due; 0 for now, also where the clock has been set back."""
        every_s = self._every_s[name]
        ago_s = (now - latest).total_seconds() if latest else every_s
        return every_s - ago_s if 0 <= ago_s < every_s else 0.0


class OwnChanges:
    """Notes both on the clock, in a thread of its own, as far as somebody subscribes to them."""

    def __init__(self, engine: Engine, health: HealthChanges | None, heartbeats: Mapping[str, float]) -> None:
        self._health, self._heartbeats = health, Heartbeats(engine, heartbeats) if heartbeats else None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin."""
        if self._health or self._heartbeats:
            threading.Thread(target=self._run, name="own-changes", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def _run(self) -> None:
        looked_at = -LOOK_S
        while not self._stopped.wait(1.0):
            work: list[Callable[[], object]] = [self._heartbeats.note] if self._heartbeats else []
            if self._health and time.monotonic() - looked_at >= LOOK_S:
                looked_at = time.monotonic()
                work.append(self._health.look)
            for each in work:
                try:
                    each()
                except StoreAway as error:
                    log.debug("not noted: the database does not answer", cause=str(error))
                except Exception:
                    log.exception("health could not be noted")


def checks_of(settings: CheckedSettings, receiver_url: str) -> Callable[[], Sequence[Check]]:
    """Runs the checks of `status` from here."""
    subject = Subject(
        settings=settings,
        account=settings.account,
        store_url=settings.store_url,
        receiver_url=receiver_url,
        flower_url="",
        flower_auth=None,
        places={},
        replicas=Replicas(socket.gethostname()),
        emulated=False,
        knows_account=settings.seven_api_key is not None,
    )
    return lambda: judge_now(read_now(subject), subject)


def _worst(checks: Sequence[Check]) -> dict[str, Check]:
    """One of each name: the one that fails, if any does."""
    worst: dict[str, Check] = {}
    for check in checks:
        if check.name not in worst or (check.grade in FAILING and worst[check.name].grade not in FAILING):
            worst[check.name] = check
    return worst


def _row(topic: str, key: str, was: str | None, now: str, at: datetime) -> dict[str, Any]:
    return {"topic": topic, "key": key, "was": was, "now": now, "at": at, "reaction": None}


def _for(connection: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """With what only the database of notifications needs."""
    handed_out = now if connection.dialect.name == "sqlite" else None
    return [row | {"noted_at": now, "fanned_out_at": handed_out} for row in rows]
