"""up: everything on one machine, supervised, until Ctrl-C."""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import NoReturn

import httpx2
import typer
from sqlalchemy.exc import SQLAlchemyError

from cli.commands.migrate import migrate_or_exit
from cli.database import store_engine
from cli.exits import ExitCode, fail
from cli.installation import Installation, Occupied
from cli.output.scenario import scenario_bar
from cli.output.sentences import sentence, warn
from cli.output.terminal import console, line, near
from cli.scenario import NoEmulator, ScenarioPlayer
from cli.up import programs
from cli.up.broker import NoBroker, wait_for_broker
from cli.up.first_scenario import FirstScenario
from cli.up.own_hooks import register_own_hooks
from cli.up.readiness import (
    wait_for_beat,
    wait_for_console,
    wait_for_dispatcher,
    wait_for_emulator,
    wait_for_flower,
    wait_for_receiver,
    wait_for_worker,
)
from cli.up.supervisor import Supervised, Supervisor
from cli.up.welcome import print_counts, print_gateway, print_next_steps, print_scenario, print_started
from console.settings import ConsoleSettings
from emulator.settings import EmulatorSettings
from ingest.settings import IngestSettings
from operations.delivery_outcomes import DeliveryOutcomes, delivery_outcomes
from runtime.network_errors import network_reason
from runtime.settings.registry import misspelt_settings
from seven.plurals import counted
from store.engine import sqlite_file
from workers.settings import WorkerSettings

PATIENCE_S = 120.0  # for a server of ours to answer, and for the first scenario to make progress
_UNUSED_URL = "SEVEN_PUBLIC_URL is not used without SEVEN_API_KEY: the emulator delivers to this machine."
PATIENCE_WITH_OTHERS_S = 5.0  # for the broker at REDIS_URL, which should be running already


def up() -> None:
    """Run everything on this machine: broker, database, receiver, worker, beat, console and Flower, supervised.

    Without SEVEN_API_KEY also the emulator as the gateway. Ctrl-C ends everything; stored data stays.
    """
    warn(misspelt_settings())  # first: a misspelt name may be why another setting is missing
    installation = Installation.from_environment()
    os.umask(0o077)  # personal data is not for other users of this machine
    lock = _lock(installation)
    _check(installation)
    raise typer.Exit(asyncio.run(_Up(installation, lock).run()))


def _lock(installation: Installation) -> int:
    """Lock the installation. Returns the lock's descriptor; ends with exit code 2 if that fails."""
    directory = near(installation.directory)
    try:
        return installation.open()
    except Occupied:
        fail(ExitCode.USAGE, f"Another `up` runs with {directory}; set SEVEN_DATA_DIR to another directory.")
    except OSError as error:
        fail(ExitCode.USAGE, f"SEVEN_DATA_DIR: cannot write to {directory}: {error.strerror}")


def _check(installation: Installation) -> None:
    """Check settings and ports of all processes before any of them starts. Ends with exit code 2 if one is wrong."""
    receiver = installation.load(IngestSettings)
    for settings in (WorkerSettings, ConsoleSettings, EmulatorSettings):
        installation.load(settings)
    unused = installation.emulates and installation.settings.seven_public_url
    warn([*receiver.warnings(), *([_UNUSED_URL] if unused else [])])
    if failures := programs.listen_failures(programs.listeners(installation)):
        fail(ExitCode.USAGE, *failures)


class _Up:
    """One run of all processes."""

    def __init__(self, installation: Installation, lock: int) -> None:
        self._installation, self._lock = installation, lock
        self._engine = store_engine()
        self._supervisor = Supervisor(installation.logs, lambda text: sentence(text, "yellow"))

    async def run(self) -> ExitCode:
        """Run until a signal or a failure. Returns the exit code."""
        work = asyncio.create_task(self._work())
        self._handle_signals(work)
        try:
            await work
        except asyncio.CancelledError:
            return ExitCode.GOOD
        except typer.Exit as end:
            return ExitCode(end.exit_code)
        finally:
            line("Ending. Ctrl-C again ends everything at once.")
            await self._supervisor.end()
            self._engine.dispose()
            line("Ended. Everything accepted is stored.")

    def _handle_signals(self, work: asyncio.Task[NoReturn]) -> None:
        """End cleanly on the first signal, at once on the second."""

        def end() -> None:
            if work.cancelling() or work.done():
                self._supervisor.kill()
            work.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, end)

    async def _work(self) -> NoReturn:
        installation, supervisor = self._installation, self._supervisor
        print_gateway(installation)
        await self._start_broker()
        await self._migrate()
        if installation.emulates:
            await self._start_emulator()
        started = {program.name: supervisor.start(program) for program in programs.our_programs(installation)}
        self._require(started["receiver"], await wait_for_receiver(installation, PATIENCE_S))
        print_started("receiver", installation.receiver_url)
        await self._wait_for_others(started)
        outcomes = await self._play_first_scenario() if installation.emulates else None
        await asyncio.to_thread(print_counts, self._engine)
        if outcomes:
            print_scenario(outcomes)
        print_next_steps(installation)
        await supervisor.watch()

    async def _wait_for_others(self, started: dict[str, Supervised]) -> None:
        """Print each of the other processes once it answers. None of them keeps the receiver from its work."""
        installation = self._installation
        flower_url = f"http://127.0.0.1:{installation.settings.seven_flower_port}"
        others = [
            ("console", installation.console_url, wait_for_console),
            ("worker", "writes what arrives to the database", wait_for_worker),
            ("beat", "sends what is due: sweep, audit, retention", wait_for_beat),
            ("flower", flower_url, wait_for_flower),
        ]
        if "dispatcher" in started:
            others.append(("dispatcher", "notifies subscribers of what changes", wait_for_dispatcher))
        waits = [asyncio.create_task(wait(installation, PATIENCE_S)) for *_, wait in others]
        for (name, where, _), wait in zip(others, waits, strict=True):
            title = "Flower" if name == "flower" else name
            if failure := await wait:
                log = near(started[name].log)
                sentence(f"{started[name].title} does not answer ({failure}); see {log}.", "yellow")
            else:
                print_started(title, where)

    async def _start_broker(self) -> None:
        installation = self._installation
        if not installation.brings_broker:
            if failure := await wait_for_broker(installation.redis_url, PATIENCE_WITH_OTHERS_S):
                fail(ExitCode.UNKNOWN, f"REDIS_URL: it does not answer ({failure})")
            print_started("broker", "REDIS_URL")
            return
        try:
            broker = self._supervisor.start(programs.broker_program(installation, self._lock))
        except NoBroker as error:
            fail(ExitCode.USAGE, f"No broker for this machine ({error}): set REDIS_URL to a Redis or Valkey.")
        self._require(broker, await wait_for_broker(installation.redis_url, PATIENCE_S))
        port, directory = installation.settings.seven_broker_port, near(installation.broker)
        print_started("broker", f"127.0.0.1:{port}, stored in {directory}")

    async def _migrate(self) -> None:
        before, after = await asyncio.to_thread(migrate_or_exit, self._engine)
        file = sqlite_file(self._engine.url)
        where = near(file) if file else "DATABASE_URL"
        was = {None: "new", after: ""}.get(before, f"was {before}")
        print_started("database", ", ".join(filter(None, (where, f"version {after}", was))))

    async def _start_emulator(self) -> None:
        """Start it and register its hooks before the worker starts, which compares them with the desired ones."""
        emulator = self._supervisor.start(programs.emulator_program(self._installation))
        self._require(emulator, await wait_for_emulator(self._installation, PATIENCE_S))
        try:
            removed = await asyncio.to_thread(register_own_hooks, self._installation)
        except (httpx2.HTTPError, OSError) as error:
            self._require(emulator, f"hooks cannot be registered: {network_reason(error)}")
        stale = f", {counted(removed, 'out of date hook')} removed" if removed else ""
        print_started("emulator", f"{self._installation.emulator_url}{stale}")

    async def _play_first_scenario(self) -> DeliveryOutcomes | None:
        """Have it played if it is due. Returns what became of it; None if it did not come to its end."""
        try:
            first = FirstScenario(self._installation, self._engine)
            if not await asyncio.to_thread(first.is_due):
                return None
            request = first.begin()
            with scenario_bar("first scenario", console) as show:
                player = ScenarioPlayer(self._engine, self._installation.emulator_url)
                played = await player.play(request, PATIENCE_S, show)
            outcomes = await asyncio.to_thread(self._outcomes, played.ids) if played.ids else None
            if played.failure is None:
                first.end()
        except (NoEmulator, SQLAlchemyError, OSError) as error:
            text = str(error) if isinstance(error, NoEmulator) else network_reason(error)
            sentence(f"No first scenario was played: {text}; see {near(self._supervisor.log('emulator'))}.", "yellow")
            return None
        if failure := played.failure:
            log = near(self._supervisor.log(failure.program))
            sentence(f"The first scenario has not come whole: {failure.reason}; see {log}.", "yellow")
        return outcomes

    def _outcomes(self, ids: Sequence[str]) -> DeliveryOutcomes:
        with self._engine.connect().execution_options(reads=True) as connection:
            return delivery_outcomes(connection, ids)

    def _require(self, supervised: Supervised, failure: str | None) -> None:
        """End with exit code 3 and the end of the program's log if it is not ready."""
        if failure:
            name = supervised.program.name
            fail(ExitCode.UNKNOWN, f"The {name} is not ready ({failure}). Its log ends with:", *supervised.tail())
