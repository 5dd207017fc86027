"""The emulator's ASGI application: `uvicorn emulator.app:app --port 8077`."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from textwrap import fill

from pydantic import BaseModel, SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from emulator.auth import Authenticator, Signing
from emulator.faults import Fault, Faults
from emulator.gateway import Gateway
from emulator.hook_controls import HookControls
from emulator.hooks import Registration
from emulator.registry import Registry, UnreadableStateError
from emulator.scenario_controls import ScenarioControls, UnreadableError, refuse
from emulator.scenario_request import ScenarioRequest
from emulator.scenario_runner import ScenarioRunner
from emulator.settings import EmulatorSettings
from runtime.settings.environment import load

API_METHODS = ["GET", "POST", "DELETE"]


WIDTH = 80
INDENT = " " * 11


def _field_list(model: type[BaseModel]) -> str:
    return fill(", ".join(model.model_fields), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


ABOUT = f"""\
A seven.io gateway for your own machine. Nothing that it delivers is real.

The gateway's API

  /api/hooks
           GET, POST and DELETE, or action=read|subscribe|unsubscribe

The emulator's own controls: bodies and answers are JSON objects

  POST /scenarios
           Play a scenario: messages with their statuses, replies, clicks and
           calls, delivered to the registered hooks, or to one target_url.
           `seven-ingest simulate` does so and waits. Every field is optional:
{_field_list(ScenarioRequest)}
  GET /scenarios
           every scenario, and its progress
  GET /scenarios/<number>
           one of them
  GET /scenarios/<number>/ids
           the ids in the receiver's answers

  GET /hooks
           every registered hook
  POST /hooks
           Register a hook behind its owner's back. Its fields:
{_field_list(Registration)}
  PATCH /hooks/<id>, DELETE /hooks/<id>
           change it, for example {{"enabled": false}}, or remove it

  GET /faults
           the faults of the API, and the number of requests by action
  PUT /faults
           Set a fault, for example {{"code": "900", "times": 3}}; its fields:
{_field_list(Fault)}
           Or a list of such objects, of which the first that applies takes
           effect. Codes: 900 wrong key, 901 signing failed, 902 missing rights,
           903 IP refused
  DELETE /faults
           remove all faults
"""


def create_app(settings: EmulatorSettings) -> Starlette:
    """The emulator as an ASGI application. It delivers nothing before its lifespan begins.

    Raises UnreadableStateError for a state file that the emulator did not write.
    """
    signing_key = _reveal(settings.emulator_signing_key)
    signing = None if signing_key is None else Signing(signing_key)
    registry, faults = Registry(settings.emulator_state_file), Faults()
    gateway = Gateway(registry, Authenticator(_reveal(settings.emulator_api_key), signing), faults)
    scenarios = ScenarioControls(settings, registry, ScenarioRunner(registry, signing))
    hooks = HookControls(registry, gateway, faults)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with scenarios.first_scenario():
            yield

    return Starlette(
        routes=[
            Route("/", about),
            Route("/livez", livez),
            Route("/api/hooks", gateway.answer, methods=API_METHODS),
            Route("/api/hooks/", gateway.answer, methods=API_METHODS),
            Route("/scenarios", scenarios.overview, methods=["GET"]),
            Route("/scenarios", scenarios.start, methods=["POST"]),
            Route("/scenarios/{number:int}", scenarios.show),
            Route("/scenarios/{number:int}/ids", scenarios.ids),
            Route("/stories{rest:path}", scenarios.moved, methods=API_METHODS),
            Route("/hooks", hooks.overview, methods=["GET"]),
            Route("/hooks", hooks.register, methods=["POST"]),
            Route("/hooks/{id:int}", hooks.change, methods=["PATCH"]),
            Route("/hooks/{id:int}", hooks.remove, methods=["DELETE"]),
            Route("/faults", hooks.faults, methods=["GET", "PUT", "DELETE"]),
        ],
        exception_handlers={UnreadableError: refuse, ValidationError: refuse},
        lifespan=lifespan,
    )


async def about(_: Request) -> PlainTextResponse:
    """Describe the emulator and its controls."""
    return PlainTextResponse(ABOUT)


async def livez(_: Request) -> PlainTextResponse:
    """Alive: the event loop runs."""
    return PlainTextResponse("alive\n")


def _reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def from_environment() -> Starlette:
    """The emulator as the environment configures it. Exits with code 2 and a message if that fails."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log = logging.getLogger("seven.emulator")
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)
    try:
        return create_app(load(EmulatorSettings))
    except UnreadableStateError as error:
        sys.stderr.write(f"configuration: EMULATOR_STATE_FILE: {error}\n")
        raise SystemExit(2) from None


app = from_environment()
