"""Conducting: one run from the first process to the last check."""

import os
import platform
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg
from redis.exceptions import RedisError

from seven.events import QUEUES
from tests.chaos import verification
from tests.chaos.cluster import Stage
from tests.chaos.fault_injection import Inflicting
from tests.chaos.load import Load, Order
from tests.chaos.options import Options
from tests.chaos.recovery import Recoveries
from tests.chaos.result import Memory, Result
from tests.chaos.schedule import Fault, schedule
from tests.chaos.workload import Tale

AT_ONCE = 2
"""Faults that may last at the same time; a third one waits."""
UP_S = 60.0
TAIL_S = 240.0
"""After the last new delivery: the longest that retries can go on."""
LOOK_S = 0.2

Show = Callable[[str], None]


class Conducting:
    """One run. `show` is told, a few times a second, where it stands; other faults may be told than the seed's."""

    def __init__(self, options: Options, directory: Path, show: Show, faults: list[Fault] | None = None) -> None:
        self._options, self._show = options, show
        self._faults = schedule(options) if faults is None else faults
        self._stage = Stage(directory, options)
        self._inflicting = Inflicting(self._stage)
        self._recoveries = Recoveries(self._stage)
        self._tale = Tale(options.seed, datetime.now(UTC))
        self._ids = directory / "ids.txt"
        self._reasons: list[str] = []
        self._done: Counter[str] = Counter()
        self._lasting: list[str] = []
        self._threads: list[threading.Thread] = []
        self._slots = threading.Semaphore(AT_ONCE)

    def run(self) -> Result:
        """From nothing to a result; whatever was started is ended."""
        with self._stage.up():
            self._until(self._stage.ready, UP_S, "starting", "not every process came up")
            self._recoveries.start()
            self._load = Load(self._order(), self._stage.directory / "load.log")
            self._load.start()
            self._began_at = time.monotonic()
            try:
                took_s = self._under_load()
            except BaseException:
                self._break_off()
                raise
            finally:
                self._load.close()
            self._settle()
            self._until(lambda: not self._recoveries.open, 3, "recovering", "not recovered from every fault")
            self._recoveries.stop()
            return self._result(took_s)

    def _under_load(self) -> float:
        """All faults, and enough deliveries; returns how many seconds new ones began."""
        self._inflict_all()
        self._reach()
        took_s = time.monotonic() - self._began_at
        self._load.stop()
        self._until(lambda: self._load.over, TAIL_S, "the last retries", "the load did not end")
        return took_s

    def _break_off(self) -> None:
        """End the faults that last, so that nothing is started after everything was ended."""
        self._stage.over.set()
        for thread in self._threads:
            thread.join()

    def _order(self) -> Order:
        options = self._options
        return Order(
            seed=options.seed,
            now=self._tale.now.isoformat(),
            rates={url: share * options.per_second for url, share in self._stage.targets.items()},
            ids=str(self._ids),
        )

    def _inflict_all(self) -> None:
        for fault in self._faults:
            while (ahead_s := self._began_at + fault.at_s - time.monotonic()) > 0:
                self._tell()
                time.sleep(min(LOOK_S, ahead_s))
            while not self._slots.acquire(timeout=LOOK_S):
                self._tell()
            self._threads.append(threading.Thread(target=self._inflict, args=(fault,), name=fault.kind))
            self._threads[-1].start()
        while any(thread.is_alive() for thread in self._threads):
            self._tell()
            time.sleep(LOOK_S)

    def _inflict(self, fault: Fault) -> None:
        self._lasting.append(fault.kind)
        try:
            self._inflicting.inflict(fault)
            self._done[fault.kind] += 1
        except Exception as error:  # noqa: BLE001 - a fault that could not be done is a finding, and the run goes on
            self._reasons.append(f"fault {fault.number} ({fault.kind}): {type(error).__name__}: {error}")
        finally:
            self._lasting.remove(fault.kind)
            self._recoveries.watch(fault)
            self._slots.release()

    def _reach(self) -> None:
        """Go on until the time is up and enough is accepted."""
        seconds, wanted = self._options.seconds, self._options.deliveries
        while (passed_s := time.monotonic() - self._began_at) < seconds or self._load.progress.accepted < wanted:
            if passed_s > 3 * seconds + UP_S or self._load.over:
                self._reasons.append(f"{self._load.progress.accepted} deliveries accepted, {wanted} were to be reached")
                return
            self._tell()
            time.sleep(LOOK_S)

    def _settle(self) -> None:
        """Wait until nothing is pending, as long as it becomes less."""
        least, deadline = self._pending(), time.monotonic() + self._options.patience_s
        while least and time.monotonic() < deadline:
            self._show(f"settling: {least} batches pending")
            time.sleep(LOOK_S)
            if (pending := self._pending()) < least:
                least, deadline = pending, time.monotonic() + self._options.patience_s
        if least:
            self._reasons.append(self._unsettled())

    def _pending(self) -> int:
        try:
            return sum(one.pending for one in self._stage.ledger.figures(QUEUES).queues.values())
        except RedisError:
            return sys.maxsize

    def _until(self, asked: Callable[[], bool], within_s: float, what: str, reason: str) -> None:
        deadline = time.monotonic() + within_s
        while not asked():
            if time.monotonic() > deadline:
                self._reasons.append(reason)
                return
            self._show(what)
            time.sleep(LOOK_S)

    def _unsettled(self) -> str:
        figures = self._stage.ledger.figures(QUEUES)
        waiting = ", ".join(
            f"{queue} {one.pending} (oldest {(figures.now - one.oldest_at).total_seconds():.0f} s, "
            f"{one.announcements} announced)"
            for queue, one in figures.queues.items()
            if one.oldest_at
        )
        return f"nothing was settled for {self._options.patience_s:.0f} s, and batches are pending still: {waiting}"

    def _tell(self) -> None:
        told = self._load.progress
        retries = " ".join(f"{cause} {n}" for cause, n in sorted(told.retries.items()))
        self._show(
            f"{time.monotonic() - self._began_at:4.0f} s  accepted {told.accepted}  retried {retries or 0}  "
            f"faults {self._done.total()} of {len(self._faults)}  not recovered {self._recoveries.open}  "
            f"now {', '.join(self._lasting) or '-'}"
        )

    def _result(self, took_s: float) -> Result:
        stage, load = self._stage, self._load
        memory = {name: Memory.of(actor.memory_kib) for name, actor in stage.actors.items() if actor.memory_kib}
        self._show("the audit")
        ids = load.ids() if self._ids.exists() else []
        audited = verification.audit(stage.environment, self._ids)
        self._show("every id and ordinal")
        counted = verification.count(stage.engine, stage.ledger, ids)
        self._show("the truth")
        compared = verification.compare(stage.engine, self._tale.truth(load.progress.drawn))
        return Result(
            options=self._options,
            machine=machine(),
            versions=self._versions(),
            took_s=took_s,
            faults=self._faults,
            done=dict(self._done),
            recovered_s={fault.number: self._recoveries.took_s.get(fault.number) for fault in self._faults},
            ended_by_itself={name: actor.ended_by_itself for name, actor in stage.actors.items()},
            slow_to_end=self._inflicting.slow,
            raised=stage.raised(),
            progress=load.progress,
            audited=audited,
            counted=counted,
            compared=compared,
            memory=memory,
            reasons=self._reasons,
        )

    def _versions(self) -> dict[str, str]:
        told = self._stage.ledger.redis.info("server")
        found = {name: version(name) for name in ("celery", "kombu", "uvicorn", "redis", "sqlalchemy")}
        found["valkey"] = str(told.get("valkey_version", told["redis_version"]))
        if self._stage.postgres:
            with psycopg.connect(self._stage.postgres.url("postgres")) as connection:
                found["postgresql"] = str(connection.info.parameter_status("server_version"))
        else:
            found["sqlite"] = sqlite3.sqlite_version
        return {"python": platform.python_version(), **found}


def machine() -> str:
    """The kind of machine, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"
