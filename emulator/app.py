"""The emulator, put together: `uvicorn emulator.app:app --port 8077`."""

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
from emulator.settings import EmulatorSettings, load

API_METHODS = ["GET", "POST", "DELETE"]


def _words(model: type[BaseModel]) -> str:
    return fill(", ".join(model.model_fields), 100, initial_indent=INDENT, subsequent_indent=INDENT)


INDENT = " " * 27
ABOUT = f"""\
A seven.io gateway for your own machine.

/api/hooks                 the gateway's hooks API: GET, POST and DELETE, or action=read|subscribe|unsubscribe

These are the emulator's own controls; what they take is a JSON object:

POST /stories              tell a story, to the registered hooks or to one target_url; it may say
{_words(ScenarioRequest)}
GET  /stories              every story, and how far its telling is
GET  /stories/<n>          one of them
GET  /stories/<n>/ids      the ids that the receiver answered with

GET  /hooks                every registered hook
POST /hooks                register one behind its owner's back; it may say
{_words(Registration)}
PATCH, DELETE /hooks/<id>  change it, for one {{"enabled": false}}, or remove it

GET  /faults               what goes wrong with the API, and how often each action was asked for
PUT  /faults               let it go wrong, for one {{"code": "900", "times": 3}}; it may say
{_words(Fault)}
                           or a list of such objects, of which the first that applies is met
                           (code: 900 wrong key, 901 signing failed, 902 missing rights, 903 IP refused)
DELETE /faults             nothing goes wrong any more
"""


def create_app(settings: EmulatorSettings) -> Starlette:
    """The emulator as an ASGI application. It tells nothing before its lifespan begins.

    Raises UnreadableStateError for a state file that is not its own.
    """
    signing_key = _word(settings.emulator_signing_key)
    signing = None if signing_key is None else Signing(signing_key)
    registry, faults = Registry(settings.emulator_state_file), Faults()
    gateway = Gateway(registry, Authenticator(_word(settings.emulator_api_key), signing), faults)
    stories = ScenarioControls(settings, registry, ScenarioRunner(registry, signing))
    hooks = HookControls(registry, gateway, faults)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with stories.first_story():
            yield

    return Starlette(
        routes=[
            Route("/", about),
            Route("/livez", livez),
            Route("/api/hooks", gateway.answer, methods=API_METHODS),
            Route("/api/hooks/", gateway.answer, methods=API_METHODS),
            Route("/stories", stories.overview, methods=["GET"]),
            Route("/stories", stories.tell, methods=["POST"]),
            Route("/stories/{number:int}", stories.show),
            Route("/stories/{number:int}/ids", stories.ids),
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
    """What this is."""
    return PlainTextResponse(ABOUT)


async def livez(_: Request) -> PlainTextResponse:
    """Alive: the event loop turns."""
    return PlainTextResponse("alive\n")


def _word(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def from_environment() -> Starlette:
    """The emulator as the environment describes it, or the end of the process with exit code 2 and a plain word."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    ours = logging.getLogger("seven.emulator")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(logging.INFO)
    try:
        return create_app(load())
    except UnreadableStateError as error:
        sys.stderr.write(f"configuration: EMULATOR_STATE_FILE: {error}\n")
        raise SystemExit(2) from None


app = from_environment()
