"""up: everything on one machine, supervised, until Ctrl-C."""

import asyncio
import os
import signal
from typing import NoReturn

import httpx2
import typer

from cli.commands.migrate import migrated
from cli.database import sqlite_file, store_engine
from cli.exits import ExitCode, fail
from cli.installation import Installation, Occupied
from cli.output.terminal import line, near
from cli.up import programs
from cli.up.broker import NoBroker, wait_for_broker
from cli.up.first_scenario import FirstScenario
from cli.up.own_hooks import register_own_hooks
from cli.up.readiness import wait_for_emulator, wait_for_flower, wait_for_receiver
from cli.up.supervisor import Supervised, Supervisor
from cli.up.welcome import say_started, say_what_next, say_who_is_the_gateway, show_tally
from emulator.settings import load as load_emulator_settings
from ingest.settings import IngestSettings
from runtime.settings import load, warn_of_unknown_names
from workers.settings import WorkerSettings

PATIENCE_S = 120.0  # with a server of ours that does not answer, or a story that does not go on
PATIENCE_WITH_OTHERS_S = 5.0  # with a broker that somebody else runs


def up() -> None:
    """Run everything on this machine: broker, database, receiver, worker, beat and Flower, supervised.

    Without SEVEN_API_KEY the emulator, too, as the gateway. Ctrl-C ends everything; what was kept is there next time.
    """
    home = Installation.from_environment()
    os.umask(0o077)  # what people wrote is for nobody else on this machine
    lock = _take(home)
    _check(home)
    raise typer.Exit(asyncio.run(_Up(home, lock).run()))


def _take(home: Installation) -> int:
    """Make the installation ours. Ends with exit code 2 where that cannot be."""
    try:
        return home.open()
    except Occupied:
        fail(ExitCode.USAGE, f"Another `up` runs with {near(home.directory)}; set SEVEN_DATA_DIR to another directory.")
    except OSError as error:
        fail(ExitCode.USAGE, f"SEVEN_DATA_DIR: cannot keep anything in {near(home.directory)}: {error.strerror}")


def _check(home: Installation) -> None:
    """Find out what would keep anyone from starting, and say it once and plainly, before anyone has started."""
    warn_of_unknown_names()
    os.environ.update(home.environment())
    load(IngestSettings)
    load(WorkerSettings)
    load_emulator_settings()
    if hindrances := programs.hindrances(programs.listeners(home)):
        fail(ExitCode.USAGE, *hindrances)


class _Up:
    """One run of everything."""

    def __init__(self, home: Installation, lock: int) -> None:
        self._home, self._lock = home, lock
        self._engine = store_engine()
        self._supervisor = Supervisor(home.logs, lambda told: line(told, "yellow"))

    async def run(self) -> ExitCode:
        """Run until told to end. Returns the exit code."""
        working = asyncio.create_task(self._work())
        self._listen_for_the_end(working)
        try:
            await working
        except asyncio.CancelledError:
            return ExitCode.GOOD
        except typer.Exit as end:
            return ExitCode(end.exit_code)
        finally:
            line("ending; Ctrl-C again ends everything at once")
            await self._supervisor.end()
            self._engine.dispose()
            line("ended; what was accepted is kept")

    def _listen_for_the_end(self, working: asyncio.Task[NoReturn]) -> None:
        """End cleanly on the first signal, at once on the second."""

        def end() -> None:
            if working.cancelling() or working.done():
                self._supervisor.kill()
            working.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, end)

    async def _work(self) -> NoReturn:
        home, supervisor = self._home, self._supervisor
        say_who_is_the_gateway(home)
        await self._start_broker()
        await self._migrate()
        if home.emulates:
            await self._start_emulator()
        receiver, *_, flower = [supervisor.start(program) for program in programs.our_programs(home)]
        self._require(receiver, await wait_for_receiver(home, PATIENCE_S))
        say_started("receiver", home.receiver_url)
        if home.emulates:
            await self._tell_first_story()
        if hindrance := await wait_for_flower(home, PATIENCE_S):
            line(f"Flower does not answer ({hindrance}); see {near(flower.log)}", "yellow")
        await asyncio.to_thread(show_tally, self._engine)
        say_what_next(home, self._engine)
        await supervisor.watch()

    async def _start_broker(self) -> None:
        home = self._home
        if not home.brings_broker:
            if hindrance := await wait_for_broker(home.redis_url, PATIENCE_WITH_OTHERS_S):
                fail(ExitCode.UNKNOWN, f"REDIS_URL: it does not answer ({hindrance})")
            say_started("broker", "REDIS_URL")
            return
        try:
            broker = self._supervisor.start(programs.broker_program(home, self._lock))
        except NoBroker as error:
            fail(ExitCode.USAGE, f"No broker comes with this machine ({error}): set REDIS_URL to a Redis or Valkey.")
        self._require(broker, await wait_for_broker(home.redis_url, PATIENCE_S))
        say_started("broker", f"127.0.0.1:{home.settings.seven_broker_port}, kept in {near(home.broker)}")

    async def _migrate(self) -> None:
        before, after = await asyncio.to_thread(migrated, self._engine)
        file = sqlite_file(self._engine)
        where = near(file) if file else "DATABASE_URL"
        was = {None: "new", after: ""}.get(before, f"was {before}")
        say_started("database", ", ".join(filter(None, (where, f"version {after}", was))))

    async def _start_emulator(self) -> None:
        """It and its hooks are there before the worker, which compares them with the desired ones at its start."""
        emulator = self._supervisor.start(programs.emulator_program(self._home))
        self._require(emulator, await wait_for_emulator(self._home, PATIENCE_S))
        try:
            removed = await asyncio.to_thread(register_own_hooks, self._home)
        except (httpx2.HTTPError, OSError) as error:
            self._require(emulator, f"hooks cannot be registered: {type(error).__name__}")
        stale = f", {removed} out of date hook{'s' * (removed != 1)} removed" if removed else ""
        say_started("emulator", f"{self._home.emulator_url}{stale}")

    async def _tell_first_story(self) -> None:
        hindrance = await FirstScenario(self._engine, self._home.emulator_url).run(PATIENCE_S)
        if hindrance:
            line(f"{hindrance.cause}; see {near(self._supervisor.log(hindrance.program))}", "yellow")

    def _require(self, supervised: Supervised, hindrance: str | None) -> None:
        """Go on without a hindrance; else show what the program said, and end with exit code 3."""
        if hindrance:
            name = supervised.program.name
            fail(ExitCode.UNKNOWN, f"The {name} is not ready ({hindrance}). Its last words:", *supervised.tail())
