"""Runner of one chaos run, from the first process to the last check."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from redis.exceptions import RedisError

from seven.events import QUEUES
from tests.chaos import verification
from tests.chaos.cluster import Cluster
from tests.chaos.fault_injection import FaultInjector
from tests.chaos.load import Load, LoadPlan
from tests.chaos.machine import machine, versions
from tests.chaos.options import Options
from tests.chaos.recovery import Recoveries
from tests.chaos.repair import Repair, repair
from tests.chaos.result import Memory, Result
from tests.chaos.schedule import WORKERS, Fault, schedule
from tests.chaos.subscribers import Notified
from tests.chaos.workload import ENDED, Workload

CONCURRENT_FAULTS = 2
"""Faults at the same time; a third one waits."""
UP_S = 60.0
TAIL_S = 240.0
"""The longest time that retries can take after the last new delivery."""
LOOK_S = 0.2

Show = Callable[[str], None]


class Runner:
    """One run. `show` gets a progress line a few times a second; `faults` replaces the schedule of the seed."""

    def __init__(self, options: Options, directory: Path, show: Show, faults: list[Fault] | None = None) -> None:
        self._options, self._show = options, show
        self._faults = schedule(options) if faults is None else faults
        self._cluster = Cluster(directory, options)
        self._injector = FaultInjector(self._cluster)
        self._recoveries = Recoveries(self._cluster)
        self._workload = Workload(options.seed, datetime.now(UTC) - ENDED, options.drop)
        self._ids = directory / "ids.txt"
        self._reasons: list[str] = []
        self._done: Counter[str] = Counter()
        self._active: list[str] = []
        self._threads: list[threading.Thread] = []
        self._slots = threading.Semaphore(CONCURRENT_FAULTS)

    def run(self) -> Result:
        """Run from start to result; everything started is ended."""
        with self._cluster.up():
            self._wait_for(self._cluster.ready, UP_S, "starting", "not every process came up")
            self._recoveries.start()
            self._load = Load(self._load_plan(), self._cluster.directory / "load.log")
            self._load.start()
            self._began_at = time.monotonic()
            try:
                took_s = self._under_load()
            except BaseException:
                self._abort()
                raise
            finally:
                self._load.close()
            self._wait_until_settled()
            self._wait_for(lambda: not self._recoveries.open, 3, "recovering", "not recovered from every fault")
            self._recoveries.stop()
            repaired = self._repair() if self._options.drop else None
            return self._result(took_s, repaired, self._notified())

    def _under_load(self) -> float:
        """Inject all faults and reach enough deliveries; returns for how many seconds new deliveries began."""
        self._inject_all()
        self._continue_load()
        took_s = time.monotonic() - self._began_at
        self._load.stop()
        self._wait_for(lambda: self._load.over, TAIL_S, "the last retries", "the load did not end")
        return took_s

    def _abort(self) -> None:
        """End active faults, so that none restarts a process after the end of the run."""
        self._cluster.over.set()
        for thread in self._threads:
            thread.join()

    def _load_plan(self) -> LoadPlan:
        options = self._options
        return LoadPlan(
            seed=options.seed,
            now=self._workload.now.isoformat(),
            rates={url: share * options.per_second for url, share in self._cluster.targets.items()},
            drop=options.drop,
            ids=str(self._ids),
        )

    def _inject_all(self) -> None:
        for fault in self._faults:
            while (ahead_s := self._began_at + fault.at_s - time.monotonic()) > 0:
                self._show_progress()
                time.sleep(min(LOOK_S, ahead_s))
            while not self._slots.acquire(timeout=LOOK_S):
                self._show_progress()
            self._threads.append(threading.Thread(target=self._inject, args=(fault,), name=fault.kind))
            self._threads[-1].start()
        while any(thread.is_alive() for thread in self._threads):
            self._show_progress()
            time.sleep(LOOK_S)

    def _inject(self, fault: Fault) -> None:
        self._active.append(fault.kind)
        try:
            self._injector.inject(fault)
            self._done[fault.kind] += 1
        except Exception as error:  # noqa: BLE001 - a fault that failed is a finding, and the run continues
            self._reasons.append(f"fault {fault.number} ({fault.kind}): {type(error).__name__}: {error}")
        finally:
            self._active.remove(fault.kind)
            self._recoveries.watch(fault)
            self._slots.release()

    def _continue_load(self) -> None:
        """Continue until the time is up and enough deliveries are accepted."""
        seconds, wanted = self._options.seconds, self._options.deliveries
        while (passed_s := time.monotonic() - self._began_at) < seconds or self._load.progress.accepted < wanted:
            if passed_s > 3 * seconds + UP_S or self._load.over:
                self._reasons.append(f"{self._load.progress.accepted} deliveries accepted, {wanted} were wanted")
                return
            self._show_progress()
            time.sleep(LOOK_S)

    def _wait_until_settled(self) -> None:
        """Wait until nothing is pending."""
        if not self._drain(self._pending, "batches pending"):
            self._reasons.append(self._unsettled_reason())

    def _drain(self, count: Callable[[], int], what: str) -> bool:
        """Wait until a count is 0, as long as it falls; returns whether it is."""
        least, deadline = count(), time.monotonic() + self._options.patience_s
        while least and time.monotonic() < deadline:
            self._show(f"settling: {least} {what}")
            time.sleep(LOOK_S)
            if (number := count()) < least:
                least, deadline = number, time.monotonic() + self._options.patience_s
        return not least

    def _pending(self) -> int:
        try:
            return sum(queue.pending for queue in self._cluster.ledger.figures(QUEUES).queues.values())
        except RedisError:
            return sys.maxsize

    def _wait_for(self, condition: Callable[[], bool], within_s: float, phase: str, reason: str) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                self._reasons.append(reason)
                return
            self._show(phase)
            time.sleep(LOOK_S)

    def _unsettled_reason(self) -> str:
        figures = self._cluster.ledger.figures(QUEUES)
        pending = ", ".join(
            f"{queue} {standing.pending} (oldest {(figures.now - standing.oldest_at).total_seconds():.0f} s, "
            f"{standing.announcements} announced)"
            for queue, standing in figures.queues.items()
            if standing.oldest_at
        )
        return f"nothing was settled for {self._options.patience_s:.0f} s, and batches are still pending: {pending}"

    def _show_progress(self) -> None:
        progress = self._load.progress
        retries = " ".join(f"{reason} {n}" for reason, n in sorted(progress.retries.items()))
        self._show(
            f"{time.monotonic() - self._began_at:4.0f} s  accepted {progress.accepted}  retried {retries or 0}  "
            f"faults {self._done.total()} of {len(self._faults)}  not recovered {self._recoveries.open}  "
            f"now {', '.join(self._active) or '-'}"
        )

    def _repair(self) -> Repair:
        """Backfill what was dropped, while a worker is killed."""
        self._show("the backfill")
        fault = Fault(-1, 0.0, "kill -9 worker", WORKERS[0], 1.0)
        played = self._workload.played(self._load.progress.drawn)
        return repair(self._cluster, played, lambda: self._injector.inject(fault), self._wait_until_settled)

    def _notified(self) -> dict[str, Notified]:
        """Wait until nothing waits for a subscriber that lives, and verify what each has."""
        cluster = self._cluster
        for _ in range(2):  # again for what was under way when the moody target became a good one
            cluster.subscribers.recover(cluster.environment)
            if self._drain(lambda: cluster.subscribers.waiting(cluster.engine), "changes to send"):
                break
        else:
            self._reasons.append("changes still wait for subscribers that live")
        self._show("every change")
        notified = cluster.subscribers.verify(cluster.engine)
        self._reasons += cluster.subscribers.findings(cluster.engine, notified)
        return notified

    def _result(self, took_s: float, repaired: Repair | None, notified: dict[str, Notified]) -> Result:
        cluster, load = self._cluster, self._load
        memory = {
            name: Memory.of(supervised.memory_kib)
            for name, supervised in cluster.processes.items()
            if supervised.memory_kib
        }
        self._show("the audit")
        ids = load.ids() if self._ids.exists() else []
        audit_result = verification.audit(cluster.environment, self._ids)
        self._show("every id and ordinal")
        counts = verification.count(cluster.engine, cluster.ledger, ids)
        self._show("the truth")
        diffs = verification.compare(cluster.engine, self._workload.truth(load.progress.drawn))
        return Result(
            options=self._options,
            machine=machine(),
            versions=versions(cluster),
            took_s=took_s,
            faults=self._faults,
            done=dict(self._done),
            recovered_s={fault.number: self._recoveries.took_s.get(fault.number) for fault in self._faults},
            ended_by_itself={name: supervised.ended_by_itself for name, supervised in cluster.processes.items()},
            slow_to_end=self._injector.slow,
            raised=cluster.raised(),
            progress=load.progress,
            audit_result=audit_result,
            counts=counts,
            diffs=diffs,
            repair=repaired,
            notified=notified,
            memory=memory,
            reasons=self._reasons,
        )
