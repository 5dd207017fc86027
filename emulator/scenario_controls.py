"""Scenario controls: scenarios run on demand, the first one at the start, and how far each run is.

What a control cannot read is refused, naming each wrong field.
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
from starlette.responses import JSONResponse

from emulator.registry import Registry
from emulator.report import State
from emulator.scenario_request import ScenarioRequest
from emulator.scenario_runner import ScenarioRun, ScenarioRunner
from emulator.settings import EmulatorSettings


class UnreadableError(Exception):
    """A body that is not what a control reads."""


async def read_json(request: Request) -> Any:
    """The body; without one an empty object. Raises UnreadableError."""
    try:
        return json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise UnreadableError("not JSON") from None


async def read_object(request: Request) -> dict[str, Any]:
    """The body, an object. Raises UnreadableError."""
    told = await read_json(request)
    if not isinstance(told, dict):
        raise UnreadableError("not a JSON object")
    return told


async def refuse(_: Request, error: Exception) -> JSONResponse:
    """422 saying what is wrong, and repeating none of it."""
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = {".".join(map(str, one["loc"])) or "body": one["msg"].removeprefix("Value error, ") for one in found}
    else:
        wrong = {"body": str(error)}
    return JSONResponse({"error": "; ".join(f"{name}: {word}" for name, word in wrong.items()), "wrong": wrong}, 422)


QUIET_S = 1.0
"""A first story for the hooks begins when none has come for so long: they are registered one after the other."""


class ScenarioControls:
    """`/stories`."""

    def __init__(self, settings: EmulatorSettings, registry: Registry, storyteller: ScenarioRunner) -> None:
        self._settings = settings
        self._registry = registry
        self._storyteller = storyteller

    @asynccontextmanager
    async def first_story(self) -> AsyncIterator[None]:
        """Tell a first story: at once where a target is named, whose receiver may come up later, or to the hooks."""
        waiting = None
        if self._settings.emulator_target_url is not None:
            self._storyteller.tell(ScenarioRequest.of(self._settings, {}))
        elif self._settings.emulator_first_story:
            waiting = asyncio.create_task(self._when_registered())
        yield
        if waiting is not None:
            waiting.cancel()
        await self._storyteller.close()

    async def _when_registered(self) -> None:
        await self._registry.news.wait()
        while self._registry.news.is_set():
            self._registry.news.clear()
            await asyncio.sleep(QUIET_S)
        self._storyteller.tell(ScenarioRequest.of(self._settings, {}))

    async def tell(self, request: Request) -> JSONResponse:
        """202 and the story's number; 422 naming each field that is wrong."""
        told = self._storyteller.tell(ScenarioRequest.of(self._settings, await read_object(request)))
        return JSONResponse({"story": told.number}, 202)

    async def overview(self, _: Request) -> JSONResponse:
        """Every story that is remembered, the oldest first."""
        return JSONResponse({"stories": [_progress(told) for told in self._storyteller.stories.values()]})

    async def show(self, request: Request) -> JSONResponse:
        """How far the telling is, and what became of the deliveries."""
        return JSONResponse(_progress(self._found(request)))

    async def ids(self, request: Request) -> JSONResponse:
        """The ids that 2xx answers told: all, and by the outcome beside them."""
        outcomes = self._found(request).report.ids
        return JSONResponse({"ids": [*chain.from_iterable(outcomes.values())], "outcomes": outcomes})

    def _found(self, request: Request) -> ScenarioRun:
        told = self._storyteller.stories.get(request.path_params["number"])
        if told is None:
            raise HTTPException(404, "no such story")
        return told


def _progress(told: ScenarioRun) -> dict[str, object]:
    report, addressing = told.report, told.addressing
    states = report.states
    return {
        "story": told.number,
        "seed": told.seed,
        "state": told.state,
        "note": None if addressing is None else addressing.note,
        "deliveries": None if addressing is None else addressing.deliveries,
        **{state.value: states[state] for state in State},
        "refusals": {str(status): count for status, count in sorted(report.refusals.items())},
        "refusals_by_hook": report.refusals_by_hook,
        "outcomes": {outcome: len(ids) for outcome, ids in report.ids.items()},
        "attempts": report.attempts,
        "retries": dict(sorted(report.retries.items())),
        "hooks": {} if addressing is None else addressing.by_hook,
    }
