"""Controls to run scenarios on demand, to run a first one at the start, and to follow their progress."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from emulator.controls import ControlAnswer, read_object
from emulator.registry import Registry
from emulator.report import State
from emulator.scenario_request import ScenarioRequest
from emulator.scenario_runner import ScenarioRun, ScenarioRunner
from emulator.settings import EmulatorSettings

QUIET_S = 1.0
"""Seconds without a new registration before a first scenario starts: hooks are registered one after the other."""


class ScenarioControls:
    """`/scenarios`."""

    def __init__(self, settings: EmulatorSettings, registry: Registry, runner: ScenarioRunner) -> None:
        self._settings = settings
        self._registry = registry
        self._runner = runner

    @asynccontextmanager
    async def first_scenario(self) -> AsyncIterator[None]:
        """Run a first scenario if the settings ask for one; closes the runner on exit.

        With a target it starts at once, since the receiver may come up later; without, once hooks are registered.
        """
        waiting = None
        if self._settings.emulator_target_url is not None:
            self._runner.start(ScenarioRequest.of(self._settings, {}))
        elif self._settings.emulator_first_story:
            waiting = asyncio.create_task(self._start_when_registered())
        yield
        if waiting is not None:
            waiting.cancel()
        await self._runner.close()

    async def _start_when_registered(self) -> None:
        await self._registry.registered.wait()
        while self._registry.registered.is_set():
            self._registry.registered.clear()
            await asyncio.sleep(QUIET_S)
        self._runner.start(ScenarioRequest.of(self._settings, {}))

    async def start(self, request: Request) -> ControlAnswer:
        """Start a scenario: 202 and its number, or 422 naming each wrong field."""
        run = self._runner.start(ScenarioRequest.of(self._settings, await read_object(request)))
        return ControlAnswer({"scenario": run.number}, 202)

    async def overview(self, _: Request) -> ControlAnswer:
        """All recent scenarios, the oldest first."""
        return ControlAnswer({"scenarios": [_progress(run) for run in self._runner.runs.values()]})

    async def show(self, request: Request) -> ControlAnswer:
        """A scenario's progress, and the results of its deliveries."""
        return ControlAnswer(_progress(self._run(request)))

    async def ids(self, request: Request) -> ControlAnswer:
        """Ids from 2xx answers: all, and by the outcome in the same answer."""
        outcomes = self._run(request).report.ids
        return ControlAnswer({"ids": [*chain.from_iterable(outcomes.values())], "outcomes": outcomes})

    async def moved(self, _: Request) -> PlainTextResponse:
        """Answer a former path of these controls with 404, and where they are."""
        return PlainTextResponse("The scenarios are at /scenarios; the first page, /, lists every control.\n", 404)

    def _run(self, request: Request) -> ScenarioRun:
        run = self._runner.runs.get(request.path_params["number"])
        if run is None:
            raise HTTPException(404, "no such scenario")
        return run


def _progress(run: ScenarioRun) -> dict[str, object]:
    report, recipients = run.report, run.recipients
    states = report.states
    return {
        "scenario": run.number,
        "seed": run.seed,
        "state": run.state,
        "events": dict(run.events),
        "note": None if recipients is None else recipients.note,
        "deliveries": None if recipients is None else recipients.deliveries,
        "dropped": 0 if recipients is None else recipients.dropped,
        **{state.value: states[state] for state in State},
        "refusals": {str(status): count for status, count in sorted(report.refusals.items())},
        "refusals_by_hook": report.refusals_by_hook,
        "outcomes": {outcome: len(ids) for outcome, ids in report.ids.items()},
        "attempts": report.attempts,
        "retries": dict(sorted(report.retries.items())),
        "hooks": {} if recipients is None else recipients.by_hook,
    }
