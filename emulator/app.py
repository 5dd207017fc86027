"""The emulator, put together: `uvicorn emulator.app:app --port 8077`."""

import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from emulator.orders import Order
from emulator.report import State
from emulator.settings import EmulatorSettings, load
from emulator.storyteller import Storyteller, Told

ABOUT = f"""\
A seven.io gateway for your own machine.

POST /stories              tell a story; a JSON object may say {", ".join(sorted(Order.model_fields))}
GET  /stories              every story, and how far its telling is
GET  /stories/<n>          one of them
GET  /stories/<n>/ids      the ids that the receiver answered with

These are the emulator's own controls. What it emulates of the gateway's API lies under /api.
"""


class Controls:
    """The emulator's own endpoints; the gateway's, under `/api`, are none of these."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self._settings = settings
        self._storyteller = Storyteller()

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Tell a first story where a target is named: its retries wait for a receiver that is not up yet."""
        if self._settings.emulator_target_url is not None:
            self._storyteller.tell(Order.of(self._settings, {}))
        yield
        await self._storyteller.close()

    async def tell(self, request: Request) -> JSONResponse:
        """202 and the story's number; 422 naming each field that is wrong."""
        try:
            told: Any = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            return _refusal({"body": "not JSON"})
        if not isinstance(told, dict):
            return _refusal({"body": "not a JSON object"})
        try:
            order = Order.of(self._settings, told)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False, include_context=False)
            return _refusal({".".join(map(str, one["loc"])): one["msg"].removeprefix("Value error, ") for one in wrong})
        return JSONResponse({"story": self._storyteller.tell(order).number}, 202)

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

    def _found(self, request: Request) -> Told:
        told = self._storyteller.stories.get(request.path_params["number"])
        if told is None:
            raise HTTPException(404, "no such story")
        return told


def create_app(settings: EmulatorSettings) -> Starlette:
    """The emulator as an ASGI application. It tells nothing before its lifespan begins."""
    controls = Controls(settings)
    return Starlette(
        routes=[
            Route("/", about),
            Route("/livez", livez),
            Route("/stories", controls.overview, methods=["GET"]),
            Route("/stories", controls.tell, methods=["POST"]),
            Route("/stories/{number:int}", controls.show),
            Route("/stories/{number:int}/ids", controls.ids),
        ],
        lifespan=controls.lifespan,
    )


async def about(_: Request) -> PlainTextResponse:
    """What this is."""
    return PlainTextResponse(ABOUT)


async def livez(_: Request) -> PlainTextResponse:
    """Alive: the event loop turns."""
    return PlainTextResponse("alive\n")


def _progress(told: Told) -> dict[str, object]:
    report = told.report
    states = report.states
    return {
        "story": told.number,
        "seed": told.seed,
        "state": told.state,
        "deliveries": told.deliveries,
        **{state.value: states[state] for state in State},
        "refusals": {str(status): count for status, count in sorted(report.refusals.items())},
        "outcomes": {outcome: len(ids) for outcome, ids in report.ids.items()},
        "attempts": report.attempts,
        "retries": dict(sorted(report.retries.items())),
    }


def _refusal(wrong: dict[str, str]) -> JSONResponse:
    return JSONResponse({"error": "; ".join(f"{name}: {word}" for name, word in wrong.items()), "wrong": wrong}, 422)


def from_environment() -> Starlette:
    """The emulator as the environment describes it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    ours = logging.getLogger("seven.emulator")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(logging.INFO)
    return create_app(load())


app = from_environment()
