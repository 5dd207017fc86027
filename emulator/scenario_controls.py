"""Controls to run scenarios on demand, to run a first one at the start, and to follow their progress.

An invalid request is refused, naming each wrong field.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from emulator.registry import Registry
from emulator.report import State
from emulator.scenario_request import ScenarioRequest
from emulator.scenario_runner import ScenarioRun, ScenarioRunner
from emulator.settings import EmulatorSettings


class UnreadableError(Exception):
    """The body of a request to a control is invalid."""


async def read_json(request: Request) -> Any:
    """The request's JSON; an empty object without a body. Raises UnreadableError."""
    try:
        return json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise UnreadableError("not JSON") from None


async def read_object(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises UnreadableError."""
    body = await read_json(request)
    if not isinstance(body, dict):
        raise UnreadableError("not a JSON object")
    return body


async def refuse(_: Request, error: Exception) -> JSONResponse:
    """Answer 422, naming each error without repeating a value."""
    if isinstance(error, ValidationError):
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = {
            ".".join(map(str, details["loc"])) or "body": details["msg"].removeprefix("Value error, ")
            for details in errors
        }
    else:
        wrong = {"body": str(error)}
    message = "; ".join(f"{name}: {reason}" for name, reason in wrong.items())
    return JSONResponse({"error": message, "wrong": wrong}, 422)


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

    async def start(self, request: Request) -> JSONResponse:
        """Start a scenario: 202 and its number, or 422 naming each wrong field."""
        run = self._runner.start(ScenarioRequest.of(self._settings, await read_object(request)))
        return JSONResponse({"scenario": run.number}, 202)

    async def overview(self, _: Request) -> JSONResponse:
        """All recent scenarios, the oldest first."""
        return JSONResponse({"scenarios": [_progress(run) for run in self._runner.runs.values()]})

    async def show(self, request: Request) -> JSONResponse:
        """A scenario's progress, and the results of its deliveries."""
        return JSONResponse(_progress(self._run(request)))

    async def ids(self, request: Request) -> JSONResponse:
        """Ids from 2xx answers: all, and by the outcome in the same answer."""
        outcomes = self._run(request).report.ids
        return JSONResponse({"ids": [*chain.from_iterable(outcomes.values())], "outcomes": outcomes})

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
        **{state.value: states[state] for state in State},
        "refusals": {str(status): count for status, count in sorted(report.refusals.items())},
        "refusals_by_hook": report.refusals_by_hook,
        "outcomes": {outcome: len(ids) for outcome, ids in report.ids.items()},
        "attempts": report.attempts,
        "retries": dict(sorted(report.retries.items())),
        "hooks": {} if recipients is None else recipients.by_hook,
    }
