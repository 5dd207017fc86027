"""Storyteller: stories being told in the background, each under its number."""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import Literal

from emulator.auth import Signing
from emulator.recipients import Recipients, ToHooks, ToTarget
from emulator.registry import Registry
from emulator.report import Report
from emulator.scenario_request import ScenarioRequest
from emulator.scenarios import deliveries, scenario
from emulator.sender import RetryPolicy, Sender
from emulator.wire import METHODS, PlannedDelivery

log = logging.getLogger("seven.emulator")

KEPT = 100
"""Reports kept, the latest."""


@dataclass(slots=True)
class ScenarioRun:
    """A story, and how far its telling is."""

    number: int
    seed: int
    state: Literal["telling", "told", "stopped", "failed"] = "telling"
    addressing: Recipients | None = None
    """To whom it is told; None while the story is being made up."""
    report: Report = field(default_factory=Report)


class ScenarioRunner:
    """Tells stories at the same time; every telling is a task that ends with the storyteller."""

    def __init__(self, registry: Registry, signing: Signing | None) -> None:
        """Stories go to the hooks of the registry, unless they are ordered for a target; with `signing` signed."""
        self._registry = registry
        self._signing = signing
        self.stories: dict[int, ScenarioRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._told = 0

    def tell(self, order: ScenarioRequest) -> ScenarioRun:
        """Begin to tell."""
        self._told += 1
        told = self.stories[self._told] = ScenarioRun(self._told, order.seed)
        self._forget()
        task = asyncio.create_task(self._tell(told, order))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._end(told, task))
        return told

    async def close(self) -> None:
        """Stop telling."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, told: ScenarioRun, order: ScenarioRequest) -> None:
        tellings = await asyncio.to_thread(_tellings, order)
        target = order.target_url
        if target is None:
            told.addressing = ToHooks(tellings, self._registry)
        else:
            told.addressing = ToTarget(tellings, target.get_secret_value())
        delivering = Sender(
            told.addressing,
            RetryPolicy(compression=order.compression),
            concurrency=order.concurrency,
            rate=order.rate,
            signing=self._signing and replace(self._signing, renewed=order.resign_retries),
        )
        told.report = delivering.report
        await delivering.run()

    def _end(self, told: ScenarioRun, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        told.state = "stopped" if task.cancelled() else "failed" if error else "told"
        made = told.addressing and told.addressing.deliveries
        states = " ".join(f"{state}={count}" for state, count in sorted(told.report.states.items()))
        for hook_id, refusals in told.report.refusals_by_hook.items():
            counts = " ".join(f"{status}={count}" for status, count in sorted(refusals.items()))
            log.warning("story=%d hook=%s refused: %s", told.number, hook_id, counts)
        log.log(
            logging.ERROR if error else logging.INFO,
            "story=%d state=%s deliveries=%s %s", told.number, told.state, made, states,
            exc_info=error,
        )  # fmt: skip

    def _forget(self) -> None:
        ended = [number for number, told in self.stories.items() if told.state != "telling"]
        for number in ended[: max(0, len(self.stories) - KEPT)]:
            del self.stories[number]


def _tellings(order: ScenarioRequest) -> list[PlannedDelivery]:
    return deliveries(
        scenario(order.seed, now=order.now, messages=order.messages),
        seed=order.seed,
        methods=order.methods or METHODS,
        layouts=order.layouts,
        duplicates=order.duplicates,
        shuffle=order.shuffle,
    )
