"""The emulator's ASGI application: `uvicorn emulator.app:app --port 8077`."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from emulator.about import about
from emulator.api_request import ACTIONS
from emulator.auth import Authenticator, Signing
from emulator.balance import Balance
from emulator.controls import UnreadableError, refuse
from emulator.fault_controls import FaultControls
from emulator.faults import Faults
from emulator.gateway import Gateway
from emulator.hook_controls import HookControls
from emulator.hook_faults import HookFault
from emulator.journal.api import JournalApi
from emulator.journal.faults import JournalFault
from emulator.journal.journals import Journals
from emulator.journal.rows import JOURNALS
from emulator.registry import Registry, UnreadableStateError
from emulator.scenario_controls import ScenarioControls
from emulator.scenario_runner import ScenarioRunner
from emulator.settings import EmulatorSettings
from runtime.settings.environment import load
from runtime.settings.types import reveal

API_METHODS = ["GET", "POST", "DELETE"]


def create_app(settings: EmulatorSettings) -> Starlette:
    """The emulator as an ASGI application. It delivers nothing before its lifespan begins.

    Raises UnreadableStateError for a state file that the emulator did not write.
    """
    signing_key = reveal(settings.emulator_signing_key)
    signing = None if signing_key is None else Signing(signing_key)
    authenticator = Authenticator(reveal(settings.emulator_api_key), signing)
    registry, hook_faults = Registry(settings.emulator_state_file), Faults[HookFault]()
    gateway = Gateway(registry, authenticator, hook_faults)
    journals, journal_faults = Journals(), Faults[JournalFault]()
    journal, balance = JournalApi(journals, authenticator, journal_faults), Balance(authenticator)
    scenarios = ScenarioControls(settings, registry, ScenarioRunner(registry, signing, journals, balance))
    hooks = HookControls(registry)
    faults = FaultControls(HookFault, hook_faults, gateway.requests, ACTIONS)
    faults_of_journal = FaultControls(JournalFault, journal_faults, journal.requests, JOURNALS)

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
            Route("/api/journal", journal.answer),
            Route("/api/journal/{name}", journal.answer),
            Route("/api/balance", balance.answer),
            Route("/scenarios", scenarios.overview, methods=["GET"]),
            Route("/scenarios", scenarios.start, methods=["POST"]),
            Route("/scenarios/{number:int}", scenarios.show),
            Route("/scenarios/{number:int}/ids", scenarios.ids),
            Route("/stories{rest:path}", scenarios.moved, methods=API_METHODS),
            Route("/hooks", hooks.overview, methods=["GET"]),
            Route("/hooks", hooks.register, methods=["POST"]),
            Route("/hooks/{id:int}", hooks.change, methods=["PATCH"]),
            Route("/hooks/{id:int}", hooks.remove, methods=["DELETE"]),
            Route("/faults", faults.answer, methods=["GET", "PUT", "DELETE"]),
            Route("/journal/faults", faults_of_journal.answer, methods=["GET", "PUT", "DELETE"]),
            Route("/journal/{name}", journal.add, methods=["POST"]),
            Route("/balance", balance.control, methods=["GET", "PUT"]),
        ],
        exception_handlers={UnreadableError: refuse, ValidationError: refuse},
        lifespan=lifespan,
    )


async def livez(_: Request) -> PlainTextResponse:
    """Alive: the event loop runs."""
    return PlainTextResponse("alive\n")


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
