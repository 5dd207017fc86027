"""Inflicting: how each kind of fault is done to the stage, and undone."""

import os
import random
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.chaos.cluster import Stage
from tests.chaos.schedule import Fault

CLOCK_STEPS_S = (3600.0, 3 * 86_400.0, 400 * 86_400.0)
"""By how much a clock is wrong: an hour, days, and more than anything is kept."""
END_S = 30.0
"""How long a process may take to end after SIGTERM."""


class Inflicting:
    """Does faults to a stage, each to its end: when `inflict` returns, whatever was ended is started again."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.slow: list[str] = []
        """Who did not end within `END_S` of SIGTERM, and was killed."""

    def inflict(self, fault: Fault) -> None:
        """Do one fault. Two to the same target come one after the other."""
        _DEEDS[fault.deed](self, fault)

    def _last(self, fault: Fault) -> None:
        """Wait as long as the fault lasts; not longer than the run."""
        self._stage.over.wait(fault.length_s)

    def _kill(self, fault: Fault) -> None:
        if fault.kind == "kill -9 backend":
            self._kill_backend(fault)
        elif fault.target == "valkey":
            with self._stage.servers["valkey"]:
                self._stage.valkey.kill()
                self._last(fault)
                self._stage.valkey.start()
        elif fault.target == "postgresql":
            self._kill_postmaster(fault)
        else:
            self._end(fault, signal.SIGKILL)

    def _kill_postmaster(self, fault: Fault) -> None:
        postgres = self._stage.postgres
        assert postgres
        with self._stage.servers["postgresql"]:
            postgres.stop(signal.SIGKILL)
            self._last(fault)
            postgres.start_again()

    def _kill_backend(self, fault: Fault) -> None:
        """One connection's process of PostgreSQL: it then ends all others, and recovers as from a crash."""
        postgres = self._stage.postgres
        assert postgres
        with self._stage.servers["postgresql"]:
            with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
                asked = (
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname <> 'postgres'"
                )
                pids = sorted(pid for (pid,) in connection.execute(asked))
            if pids:
                os.kill(random.Random(fault.number).choice(pids), signal.SIGKILL)
            self._last(fault)

    def _terminate(self, fault: Fault) -> None:
        self._end(fault, signal.SIGTERM)

    def _end(self, fault: Fault, number: signal.Signals) -> None:
        actor = self._stage.actors[fault.target]
        with actor.lock:
            try:
                actor.process.end(number, END_S)
            except subprocess.TimeoutExpired:
                self.slow.append(fault.target)
            self._last(fault)
            if self._stage.over.is_set():
                return
            with suppress(AssertionError):  # a receiver that does not come up in time: supervision sees to it
                actor.process.start()

    def _stop(self, fault: Fault) -> None:
        if fault.target in self._stage.servers:
            server = self._stage.postgres if fault.target == "postgresql" else self._stage.valkey
            assert server
            assert server.process
            with self._stage.servers[fault.target], _stopped(server.process.pid):
                self._last(fault)
        else:
            actor = self._stage.actors[fault.target]
            with actor.lock:
                if actor.runs and actor.process.process:
                    with _stopped(actor.process.process.pid):
                        self._last(fault)

    def _lock(self, fault: Fault) -> None:
        """Somebody else writes to the SQLite file, and takes his time."""
        with self._stage.servers["sqlite"]:
            other = sqlite3.connect(self._stage.directory / "seven.db", isolation_level=None, timeout=30)
            try:
                other.execute("BEGIN IMMEDIATE")
                self._last(fault)
                other.execute("ROLLBACK")
            finally:
                other.close()

    def _double(self, fault: Fault) -> None:
        second = self._stage.second_beat()
        second.start()
        try:
            self._last(fault)
        finally:
            try:
                second.end(signal.SIGTERM, END_S)
            except subprocess.TimeoutExpired:
                self.slow.append(fault.target)

    def _set_clock(self, fault: Fault) -> None:
        """One clock at a time: of two that are wrong alike nobody could say which is."""
        clock = self._stage.clocks[fault.target]
        step_s = CLOCK_STEPS_S[fault.number % len(CLOCK_STEPS_S)]
        with self._stage.one_clock:
            clock.set(clock.usual_s + (step_s if fault.deed == "ahead" else -step_s))
            self._last(fault)
            clock.set(clock.usual_s)

    def _fail_over(self, fault: Fault) -> None:
        """A standby takes over; what is connected stays with the former primary, which is its replica, and then gone."""
        with self._stage.servers["valkey"]:
            former = self._stage.fail_over()
            self._last(fault)
            former.kill()

    def _disturb(self, fault: Fault) -> None:
        link = self._stage.link[fault.target]
        self._stage.links.do(lambda: link.disturb(fault.deed, fault.delay_s))
        self._last(fault)
        self._stage.links.do(link.restore)


_DEEDS: dict[str, Callable[[Inflicting, Fault], None]] = {
    "kill": Inflicting._kill,
    "SIGTERM": Inflicting._terminate,
    "SIGSTOP": Inflicting._stop,
    "lock": Inflicting._lock,
    "double": Inflicting._double,
    "failover": Inflicting._fail_over,
    "delay": Inflicting._disturb,
    "hang": Inflicting._disturb,
    "cut": Inflicting._disturb,
    "ahead": Inflicting._set_clock,
    "behind": Inflicting._set_clock,
}


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """A process and its children stopped; the parent first, so that it has no new ones meanwhile."""
    stopped = [pid]
    os.kill(pid, signal.SIGSTOP)
    try:
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGSTOP)
                stopped.append(child)
        yield
    finally:
        for one in stopped:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)
