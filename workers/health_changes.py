"""Health changes: notes which checks of `status` begin to fail, and recover.

This reaches installations without Alertmanager, too.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from operations.checks.check import Check, Grade
from operations.checks.readings import read_now
from operations.checks.registry import judge_now
from operations.checks.subject import CheckedSettings, Replicas, Subject
from seven.topics import HEALTH
from store.change_rows import insert_handed_out
from store.check_standings import read_names, read_standings
from store.outbox import is_alone
from store.timed_transactions import transact
from workers.own_change_rows import own_change

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
                rows.append(own_change(HEALTH[0], name, was, grade.value, now))
            elif was != GOOD and not failures:
                rows.append(own_change(HEALTH[1], name, was, GOOD, now))
        insert_handed_out(connection, rows, now)


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
