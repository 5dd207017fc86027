"""Health changes: notes which checks of `status` begin to fail, and recover; and heartbeats.

Whoever has no Alertmanager hears of it all the same. While the database is away nothing can be noted: then heartbeats
stay out, which a dead man's switch tells from silence.
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from operations.checks.check import Check, Grade
from operations.checks.readings import read_now
from operations.checks.registry import judge_now
from operations.checks.subject import CheckedSettings, Replicas, Subject
from runtime.logs import logger
from seven.topics import HEALTH, HEARTBEAT
from store.outbox import is_alone
from store.row_writer import StoreAway
from store.schema import changes
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
        transact(self._engine, self._note)

    def _note(self, connection: Connection, now: datetime) -> None:
        if not is_alone(connection):
            return
        standing = _standing(connection)
        rows = []
        for name in sorted({*self._failures, *standing}):
            failures = self._failures.get(name, 0)
            was = standing.get(name, GOOD)
            grade = self._findings[name].grade if name in self._findings else Grade.GOOD
            if was == GOOD and failures >= LOOKS:
                rows.append(_row(HEALTH[0], name, was, grade.value, now))
            elif was != GOOD and not failures:
                rows.append(_row(HEALTH[1], name, was, GOOD, now))
        if rows:
            connection.execute(insert(changes), _for(connection, rows, now))


def note_heartbeats(engine: Engine, every_s: Mapping[str, float]) -> None:
    """Note a heartbeat for each of these subscribers whose last one is as many seconds ago. Raises StoreAway."""

    def note(connection: Connection, now: datetime) -> None:
        if not is_alone(connection):
            return
        latest = select(changes.c.reaction, func.max(changes.c.noted_at)).where(changes.c.topic == HEARTBEAT)
        known: dict[str, datetime] = {name: at for name, at in connection.execute(latest.group_by(changes.c.reaction))}  # noqa: C416
        rows = [
            _row(HEARTBEAT, name, None, "alive", now) | {"reaction": name}
            for name, seconds in every_s.items()
            if name not in known or not timedelta(0) <= now - known[name] < timedelta(seconds=seconds)
        ]
        if rows:
            connection.execute(insert(changes), _for(connection, rows, now))

    if every_s:
        transact(engine, note)


class OwnChanges:
    """Notes both on the clock, in a thread of its own, as far as somebody subscribes to them."""

    def __init__(self, engine: Engine, health: HealthChanges | None, heartbeats: Mapping[str, float]) -> None:
        self._engine, self._health, self._heartbeats = engine, health, heartbeats
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
            work: list[Callable[[], object]] = [partial(note_heartbeats, self._engine, self._heartbeats)]
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


def _standing(connection: Connection) -> dict[str, str]:
    """How each check stands, by its latest change."""
    latest = select(func.max(changes.c.seq)).where(changes.c.topic.in_(HEALTH)).group_by(changes.c.key)
    query = select(changes.c.key, changes.c.now).where(changes.c.seq.in_(latest))
    return {name: now for name, now in connection.execute(query)}  # noqa: C416 - rows are no tuples to mypy


def _row(topic: str, key: str, was: str | None, now: str, at: datetime) -> dict[str, Any]:
    return {"topic": topic, "key": key, "was": was, "now": now, "at": at, "reaction": None}


def _for(connection: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """With what only the database of notifications needs."""
    handed_out = now if connection.dialect.name == "sqlite" else None
    return [row | {"noted_at": now, "fanned_out_at": handed_out} for row in rows]
