"""Fault injection: how each kind of fault is inflicted on the cluster, and undone."""

import os
import random
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import suppress

import psycopg

from tests.chaos.cluster import Cluster
from tests.chaos.schedule import CLOCK_SIGNS, Fault
from tests.servers import stopped

CLOCK_STEPS_S = (3600.0, 3 * 86_400.0, 400 * 86_400.0)
"""Offsets of a wrong clock: an hour, days, and longer than any retention."""
END_S = 30.0
"""Time limit for a process to end after SIGTERM."""


class FaultInjector:
    """Injects faults into a cluster. When `inject` returns, the fault is over and ended processes are restarted."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.slow: list[str] = []
        """Processes that did not end within `END_S` of SIGTERM and were killed."""

    def inject(self, fault: Fault) -> None:
        """Inject one fault. Faults of the same target run one after the other."""
        _INJECTIONS[fault.action](self, fault)

    def _wait(self, fault: Fault) -> None:
        """Wait for the duration of the fault, at most until the run ends."""
        self._cluster.over.wait(fault.length_s)

    def _kill(self, fault: Fault) -> None:
        if fault.kind == "kill -9 backend":
            self._kill_backend(fault)
        elif fault.target == "valkey":
            with self._cluster.servers["valkey"]:
                self._cluster.valkey.kill()
                self._wait(fault)
                self._cluster.valkey.start()
        elif fault.target == "postgresql":
            self._kill_postmaster(fault)
        else:
            self._end(fault, signal.SIGKILL)

    def _kill_postmaster(self, fault: Fault) -> None:
        postgres = self._cluster.postgres
        assert postgres
        with self._cluster.servers["postgresql"]:
            postgres.stop(signal.SIGKILL)
            self._wait(fault)
            postgres.start_again()

    def _kill_backend(self, fault: Fault) -> None:
        """Kill one backend of PostgreSQL: the server then ends all others and recovers as from a crash."""
        postgres = self._cluster.postgres
        assert postgres
        with self._cluster.servers["postgresql"]:
            with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
                query = (
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname <> 'postgres'"
                )
                pids = sorted(pid for (pid,) in connection.execute(query))
            if pids:
                os.kill(random.Random(fault.number).choice(pids), signal.SIGKILL)
            self._wait(fault)

    def _terminate(self, fault: Fault) -> None:
        self._end(fault, signal.SIGTERM)

    def _end(self, fault: Fault, number: signal.Signals) -> None:
        supervised = self._cluster.processes[fault.target]
        with supervised.lock:
            try:
                supervised.process.end(number, END_S)
            except subprocess.TimeoutExpired:
                self.slow.append(fault.target)
            self._wait(fault)
            if self._cluster.over.is_set():
                return
            with suppress(AssertionError):  # a receiver that does not come up in time: supervision restarts it
                supervised.process.start()

    def _stop(self, fault: Fault) -> None:
        if fault.target in self._cluster.servers:
            server = self._cluster.postgres if fault.target == "postgresql" else self._cluster.valkey
            assert server
            assert server.process
            with self._cluster.servers[fault.target], stopped(server.process.pid):
                self._wait(fault)
        else:
            supervised = self._cluster.processes[fault.target]
            with supervised.lock:
                if supervised.runs and supervised.process.process:
                    with stopped(supervised.process.process.pid):
                        self._wait(fault)

    def _lock(self, fault: Fault) -> None:
        """Hold the write lock of the SQLite file, as another slow writer would."""
        with self._cluster.servers["sqlite"]:
            other = sqlite3.connect(self._cluster.directory / "seven.db", isolation_level=None, timeout=30)
            try:
                other.execute("BEGIN IMMEDIATE")
                self._wait(fault)
                other.execute("ROLLBACK")
            finally:
                other.close()

    def _double(self, fault: Fault) -> None:
        second = self._cluster.second_beat()
        second.start()
        try:
            self._wait(fault)
        finally:
            try:
                second.end(signal.SIGTERM, END_S)
            except subprocess.TimeoutExpired:
                self.slow.append(fault.target)

    def _set_clock(self, fault: Fault) -> None:
        """Set one clock at a time: two clocks with the same error would look correct to each other."""
        clock = self._cluster.clocks[fault.target]
        step_s = CLOCK_STEPS_S[fault.number % len(CLOCK_STEPS_S)]
        with self._cluster.clock_lock:
            for sign in CLOCK_SIGNS[fault.action]:
                clock.set(clock.normal_s + sign * step_s)
                self._wait(fault)
            clock.set(clock.normal_s)

    def _fail_over(self, fault: Fault) -> None:
        """Promote a standby; existing connections stay with the former primary, now a replica, until it is killed."""
        with self._cluster.servers["valkey"]:
            former = self._cluster.fail_over()
            self._wait(fault)
            former.kill()

    def _disturb(self, fault: Fault) -> None:
        link = self._cluster.link[fault.target]
        self._cluster.links.do(lambda: link.disturb(fault.action, fault.delay_s))
        self._wait(fault)
        self._cluster.links.do(link.restore)


_INJECTIONS: dict[str, Callable[[FaultInjector, Fault], None]] = {
    "kill": FaultInjector._kill,
    "SIGTERM": FaultInjector._terminate,
    "SIGSTOP": FaultInjector._stop,
    "lock": FaultInjector._lock,
    "double": FaultInjector._double,
    "failover": FaultInjector._fail_over,
    "delay": FaultInjector._disturb,
    "hang": FaultInjector._disturb,
    "cut": FaultInjector._disturb,
    "ahead": FaultInjector._set_clock,
    "behind": FaultInjector._set_clock,
    "swing": FaultInjector._set_clock,
}
