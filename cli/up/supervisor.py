"""Supervisor: restarts processes that die, and ends all of them in order."""

import asyncio
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from cli.output.terminal import near
from cli.up import parent_death

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0  # a process that ran this long is restarted after the first pause again
GRACE_S = 25.0  # from SIGTERM to SIGKILL; longer than any process takes to drain with our arguments and settings
LONGEST_LOG = 16 * 1024**2
BOUND_LOGS_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """A program to keep running. `command` begins with a path; `keeps` are the file descriptors it inherits."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    keeps: tuple[int, ...] = ()


class Supervised:
    """One program, kept running: starts when constructed, within a running event loop."""

    def __init__(self, program: Program, log: Path, report: Callable[[str], None]) -> None:
        self.program, self.log, self._report = program, log, report
        self.deaths = 0
        self._process: Process | None = None
        self._ending = asyncio.Event()
        self._running = asyncio.create_task(self._run())

    @property
    def title(self) -> str:
        """Its name at the beginning of a sentence."""
        return self.program.name.capitalize()

    async def end(self) -> None:
        """Send SIGTERM, and SIGKILL after `GRACE_S`; returns when it has ended."""
        self._ending.set()
        self._signal(signal.SIGTERM)
        ended, _ = await asyncio.wait({self._running}, timeout=GRACE_S)
        if not ended:
            self._report(f"{self.title} did not end within {GRACE_S:.0f} s, and is killed.")
            self.kill()
        await self._running

    def kill(self) -> None:
        """Kill it with all its children."""
        self._ending.set()
        self._signal(signal.SIGKILL)

    def tail(self, lines: int = 15) -> list[str]:
        """The last lines of its log."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 8192))
            return log.read().decode(errors="replace").splitlines()[-lines:]
        return []

    def bound_log(self) -> None:
        """Keep its log from filling the disk: move a long one to `.old.log`, which it overwrites."""
        with suppress(OSError):
            if self.log.stat().st_size > LONGEST_LOG:
                shutil.copyfile(self.log, self.log.with_suffix(".old.log"))
                os.truncate(self.log, 0)  # the process appends, so it continues at the new end

    async def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._ending.is_set():
            began_at = time.monotonic()
            how = await self._run_once()
            if self._ending.is_set():
                return
            self.deaths += 1
            if time.monotonic() - began_at > STEADY_S:
                pause_s = FIRST_PAUSE_S
            self._report(f"{self.title} ended ({how}) and restarts in {pause_s:g} s; see {near(self.log)}.")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._ending.wait()
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _run_once(self) -> str:
        """Run it to its end. Returns how it ended."""
        command = (sys.executable, "-I", "-S", parent_death.__file__, str(os.getpid()), *self.program.command)
        try:
            with self._open_log() as log:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    env=dict(self.program.environment),
                    stdin=DEVNULL,
                    stdout=log,
                    stderr=STDOUT,
                    pass_fds=self.program.keeps,
                    start_new_session=True,  # Ctrl-C reaches only the supervisor, which ends the others in order
                )
        except OSError as error:
            return f"not started: {error.strerror}"
        if self._ending.is_set():
            self._signal(signal.SIGTERM)
        code = await self._process.wait()
        return f"exit code {code}" if code >= 0 else f"signal {-code}"

    def _open_log(self) -> BinaryIO:
        # A file, not a pipe: when the supervisor is killed, the process outlives it by a moment.
        return open(os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab")

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)


class Supervisor:
    """Keeps programs running, and ends them in the reverse order of their start."""

    def __init__(self, logs: Path, report: Callable[[str], None]) -> None:
        self._logs, self._report = logs, report
        self._supervised: list[Supervised] = []

    def start(self, program: Program) -> Supervised:
        """Start a program, and keep it running."""
        self._supervised.append(Supervised(program, self.log(program.name), self._report))
        return self._supervised[-1]

    def log(self, name: str) -> Path:
        """The log file of a program of this name."""
        return self._logs / f"{name}.log"

    async def watch(self) -> NoReturn:
        """Keep the logs bounded, for ever."""
        while True:
            for supervised in self._supervised:
                supervised.bound_log()
            await asyncio.sleep(BOUND_LOGS_EVERY_S)

    async def end(self) -> None:
        """End all of them, the last started first."""
        while self._supervised:
            supervised = self._supervised[-1]
            await supervised.end()
            self._supervised.remove(supervised)

    def kill(self) -> None:
        """Kill all of them."""
        for supervised in self._supervised:
            supervised.kill()
