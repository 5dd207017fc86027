"""Load: the emulator's sender in a process and interpreter of its own.

`python -m tests.chaos.load '<LoadPlan as JSON>'` delivers until a line arrives on standard input, then completes what it
has begun. It prints a `Progress` as JSON twice a second, and at the end writes the ids of all 2xx answers into a file.
"""

import asyncio
import dataclasses
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import uvloop

from emulator.report import State
from emulator.sender import RetryPolicy, Sender
from emulator.wire import PlannedDelivery, requests
from tests.chaos.workload import Workload
from tests.processes import ROOT

EVERY_S = 0.5
CONNECTIONS = 256
"""Connections to each receiver."""
RETRIES = RetryPolicy(compression=3000)  # fourteen attempts in a hundred seconds


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Parameters of the load."""

    seed: int
    now: str
    rates: dict[str, float]
    """New deliveries a second, by hook URL."""
    drop: float
    """The share of webhooks that are never sent."""
    ids: str
    """Path of the file for the ids of 2xx answers."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of the load so far."""

    drawn: int = 0
    """Deliveries drawn from the workload; at the end, all that were not dropped have a final state."""
    dropped: int = 0
    """Those that are never sent."""
    accepted: int = 0
    attempts: int = 0
    states: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    """Deliveries refused permanently, by status."""
    retries: dict[str, int] = field(default_factory=dict)
    """Failed attempts that are retried, by reason: a status, `timeout` or `connection`."""
    outcomes: dict[str, int] = field(default_factory=dict)
    """Deliveries by the `outcome` of their 2xx answer."""
    ended: bool = False


class LoadGenerator:
    """Senders to all receivers, drawing from one workload."""

    def __init__(self, plan: LoadPlan) -> None:
        self.plan, self.drawn, self.dropped, self.stopped = plan, 0, 0, False
        deliveries = self._deliveries(Workload(plan.seed, datetime.fromisoformat(plan.now), plan.drop))
        self.senders = [
            Sender(requests(deliveries, target), RETRIES, concurrency=CONNECTIONS, rate=rate)
            for target, rate in plan.rates.items()
        ]

    def _deliveries(self, workload: Workload) -> Iterator[PlannedDelivery]:
        for delivery in workload.deliveries():
            if self.stopped:
                return
            self.drawn += 1
            if delivery.dropped:
                self.dropped += 1
            else:
                yield delivery

    async def run(self) -> None:
        """Deliver until a line arrives on standard input, and report progress."""
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._stop)
        async with asyncio.TaskGroup() as group:
            reporter = group.create_task(self._report())
            await asyncio.gather(*(sender.run() for sender in self.senders))
            reporter.cancel()
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    def close(self) -> None:
        """Write the ids and print the final progress."""
        with Path(self.plan.ids).open("w") as file:
            for sender in self.senders:
                for ids in sender.report.ids.values():
                    file.writelines(f"{delivery_id}\n" for delivery_id in ids)
        self._print(self.progress(ended=True))

    def progress(self, *, ended: bool = False) -> Progress:
        """Counts so far; final states only at the end, since counting them takes a while."""
        reports = [sender.report for sender in self.senders]
        retries = Counter[str]()
        for report in reports:
            retries.update(report.retries)
        states, refusals, outcomes = Counter[str](), Counter[str](), Counter[str]()
        if ended:
            for report in reports:
                states.update({str(state): n for state, n in report.states.items()})
                refusals.update({str(status): n for status, n in report.refusals.items()})
                outcomes.update({outcome: len(ids) for outcome, ids in report.ids.items()})
        return Progress(
            drawn=self.drawn,
            dropped=self.dropped,
            accepted=states[State.DELIVERED] if ended else sum(len(report.results) for report in reports),
            attempts=sum(report.attempts for report in reports),
            states=dict(states),
            refusals=dict(refusals),
            retries=dict(retries),
            outcomes=dict(outcomes),
            ended=ended,
        )

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self.stopped = True

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            self._print(self.progress())

    def _print(self, progress: Progress) -> None:
        print(json.dumps(dataclasses.asdict(progress)), flush=True)


class Load:
    """The load process as the runner sees it; `progress` is the latest report."""

    def __init__(self, plan: LoadPlan, log: Path) -> None:
        self.progress, self._plan, self._log = Progress(), plan, log

    def start(self) -> None:
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.load", json.dumps(dataclasses.asdict(self._plan))],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, start_new_session=True,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Begin no new deliveries; those begun are retried to their end."""
        assert self.process.stdin
        with suppress(BrokenPipeError):  # the process has ended, as its progress shows
            self.process.stdin.write(b"end\n")
            self.process.stdin.flush()

    def close(self) -> None:
        """Kill the process if it still runs, and wait for it."""
        self.process.kill()
        self._reader.join()
        self.process.communicate()

    @property
    def over(self) -> bool:
        return not self._reader.is_alive()

    def ids(self) -> list[str]:
        """The delivery ids of all 2xx answers."""
        return Path(self._plan.ids).read_text().split()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.progress = Progress(**json.loads(line))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        generator = LoadGenerator(LoadPlan(**json.loads(sys.argv[1])))
        runner.run(generator.run())
        generator.close()
