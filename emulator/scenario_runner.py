"""Runs scenarios in the background, each with a number."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from emulator.auth import Signing
from emulator.balance import Balance
from emulator.irregularities import make_irregular
from emulator.journal.journals import Journals
from emulator.journal.rows import JournalRows, journal_rows
from emulator.losses import with_losses
from emulator.recipients import HookRecipients, Recipients, TargetRecipient
from emulator.registry import Registry
from emulator.report import Report
from emulator.scenario_request import ScenarioRequest
from emulator.scenarios import plan_deliveries, scenario
from emulator.sender import RetryPolicy, Sender
from emulator.vendor_event import VendorEvent
from emulator.wire import METHODS, PlannedDelivery

log = logging.getLogger("seven.emulator")

MAX_RUNS = 100
"""Number of runs kept, the latest."""


@dataclass(slots=True)
class ScenarioRun:
    """One run of a scenario, and its progress."""

    number: int
    seed: int
    state: Literal["running", "finished", "stopped", "failed"] = "running"
    recipients: Recipients | None = None
    """None while the scenario is being generated."""
    events: Counter[str] = field(default_factory=Counter)
    """Number of events to deliver, by event type; repeats do not count."""
    report: Report = field(default_factory=Report)


class ScenarioRunner:
    """Runs scenarios concurrently, each in a task; `close` cancels them."""

    def __init__(self, registry: Registry, signing: Signing | None, journals: Journals, balance: Balance) -> None:
        """Deliver to the hooks of the registry, unless a request names a target; sign with `signing`.

        As a run begins to deliver, all that it plays is in the journals, and is paid.
        """
        self._registry = registry
        self._signing = signing
        self._journals = journals
        self._balance = balance
        self.runs: dict[int, ScenarioRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_number = 0

    def start(self, request: ScenarioRequest) -> ScenarioRun:
        """Start a run in the background."""
        self._last_number += 1
        run = self.runs[self._last_number] = ScenarioRun(self._last_number, request.seed)
        self._forget()
        task = asyncio.create_task(self._run(run, request))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._end(run, task))
        return run

    async def close(self) -> None:
        """Cancel all runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, run: ScenarioRun, request: ScenarioRequest) -> None:
        plan = await asyncio.to_thread(_plan, request)
        run.events = Counter(event.event_type for event in plan.events)
        self._balance.charge(self._journals.cost(plan.rows))
        self._journals.add(plan.rows)
        target = request.target_url
        if target is None:
            run.recipients = HookRecipients(plan.deliveries, self._registry)
        else:
            run.recipients = TargetRecipient(plan.deliveries, target.get_secret_value())
        sender = Sender(
            run.recipients,
            RetryPolicy(compression=request.compression),
            concurrency=request.concurrency,
            rate=request.rate,
            signing=self._signing and replace(self._signing, resign_retries=request.resign_retries),
        )
        run.report = sender.report
        await sender.run()

    def _end(self, run: ScenarioRun, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        run.state = "stopped" if task.cancelled() else "failed" if error else "finished"
        deliveries = run.recipients and run.recipients.deliveries
        states = " ".join(f"{state}={count}" for state, count in sorted(run.report.states.items()))
        for hook_id, refusals in run.report.refusals_by_hook.items():
            counts = " ".join(f"{status}={count}" for status, count in sorted(refusals.items()))
            log.warning("scenario=%d hook=%s refused: %s", run.number, hook_id, counts)
        log.log(
            logging.ERROR if error else logging.INFO,
            "scenario=%d state=%s deliveries=%s %s", run.number, run.state, deliveries, states,
            exc_info=error,
        )  # fmt: skip

    def _forget(self) -> None:
        ended = [number for number, run in self.runs.items() if run.state != "running"]
        for number in ended[: max(0, len(self.runs) - MAX_RUNS)]:
            del self.runs[number]


@dataclass(frozen=True, slots=True)
class _Plan:
    events: list[VendorEvent]
    """In order of sending."""
    rows: JournalRows
    """Of all that happened; irregularities are the deliveries' alone."""
    deliveries: list[PlannedDelivery]
    """Repeats and dropped ones included."""


def _plan(request: ScenarioRequest) -> _Plan:
    happened = scenario(request.seed, now=request.now, messages=request.messages)
    events = make_irregular(happened) if request.irregular else happened
    planned = plan_deliveries(
        events,
        seed=request.seed,
        methods=request.methods or METHODS,
        layouts=request.layouts,
        duplicates=request.duplicates,
        shuffle=request.shuffle,
    )
    return _Plan(events, journal_rows(happened), with_losses(planned, request))
