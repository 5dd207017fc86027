"""Load: the emulator's own delivering in a process of its own, so that nobody shares its interpreter.

`python -m tests.chaos.load '<Order as JSON>'` tells until a line comes in, then ends what it has begun. It prints a
`Progress` as JSON twice a second, and at the end writes the ids of all 2xx answers into a file.
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
from tests.chaos.workload import Tale
from tests.processes import ROOT

EVERY_S = 0.5
LINES = 256
"""Connections to each receiver."""
PATIENCE = RetryPolicy(compression=3000)  # fourteen attempts in a hundred seconds


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be told."""

    seed: int
    now: str
    rates: dict[str, float]
    """By the URL of a hook, how many new deliveries in a second."""
    ids: str
    """The file for the ids."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    drawn: int = 0
    """Deliveries begun; at the end each has its fate."""
    accepted: int = 0
    attempts: int = 0
    states: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    """Deliveries refused for good, by status."""
    retries: dict[str, int] = field(default_factory=dict)
    """Attempts to be made again, by cause: a status, `timeout` or `connection`."""
    outcomes: dict[str, int] = field(default_factory=dict)
    """What the 2xx answers said."""
    ended: bool = False


class Round:
    """One round over all receivers, which draw from one tale."""

    def __init__(self, order: Order) -> None:
        self.order, self.drawn, self.stopped = order, 0, False
        tellings = self._tellings(Tale(order.seed, datetime.fromisoformat(order.now)))
        self.deliverings = [
            Sender(requests(tellings, target), PATIENCE, concurrency=LINES, rate=rate)
            for target, rate in order.rates.items()
        ]

    def _tellings(self, tale: Tale) -> Iterator[PlannedDelivery]:
        for telling in tale.tellings():
            if self.stopped:
                return
            self.drawn += 1
            yield telling

    async def run(self) -> None:
        """Tell until told to stop, and report."""
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._stop)
        async with asyncio.TaskGroup() as group:
            reporting = group.create_task(self._report())
            await asyncio.gather(*(one.run() for one in self.deliverings))
            reporting.cancel()
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    def close(self) -> None:
        """Tell the ids and the end."""
        with Path(self.order.ids).open("w") as file:
            for one in self.deliverings:
                for ids in one.report.ids.values():
                    file.writelines(f"{told}\n" for told in ids)
        self._print(self.progress(ended=True))

    def progress(self, *, ended: bool = False) -> Progress:
        """What is known now; the fates only at the end, to count them takes a while."""
        reports = [one.report for one in self.deliverings]
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
            accepted=states[State.DELIVERED] if ended else sum(len(report.fates) for report in reports),
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
    """The load process, as the conductor sees it; `progress` is the latest it told."""

    def __init__(self, order: Order, log: Path) -> None:
        self.progress, self._order, self._log = Progress(), order, log

    def start(self) -> None:
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.load", json.dumps(dataclasses.asdict(self._order))],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, start_new_session=True,
            )  # fmt: skip
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def stop(self) -> None:
        """Begin nothing new; what was begun is told to its end."""
        assert self.process.stdin
        with suppress(BrokenPipeError):  # it has ended, as its progress will tell
            self.process.stdin.write(b"end\n")
            self.process.stdin.flush()

    def close(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self._reading.join()
        self.process.communicate()

    @property
    def over(self) -> bool:
        return not self._reading.is_alive()

    def ids(self) -> list[str]:
        """The ids that 2xx answers told."""
        return Path(self._order.ids).read_text().split()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.progress = Progress(**json.loads(line))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        telling = Round(Order(**json.loads(sys.argv[1])))
        runner.run(telling.run())
        telling.close()
