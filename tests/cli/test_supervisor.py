"""Supervising: what dies is started again, what is told to end ends, and nothing fills the disk."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cli.up import supervisor
from cli.up.supervisor import Program, Supervised, Supervisor
from tests.servers import PATIENCE_S, eventually


def python(name: str, code: str) -> Program:
    return Program(name, (sys.executable, "-c", code), dict(os.environ))


async def until(true: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def supervise(directory: Path, scene: Callable[[Supervisor], Awaitable[None]]) -> list[str]:
    """Play a scene with a supervisor, end it, and return what it said."""
    told: list[str] = []

    async def play() -> None:
        supervisor = Supervisor(directory, told.append)
        try:
            await scene(supervisor)
        finally:
            await supervisor.end()

    asyncio.run(play())
    return told


def test_what_dies_is_started_again_after_growing_pauses(tmp_path: Path):
    """However often it dies, it is started again, with less and less haste, and it is said each time."""

    async def scene(supervisor: Supervisor) -> None:
        dying = supervisor.start(python("dying", "raise SystemExit(7)"))
        await until(lambda: dying.deaths >= 2)

    told = supervise(tmp_path, scene)
    assert "dying ended (exit code 7) and is started again in 0.5 s" in told[0]
    assert "in 1 s" in told[1]
    assert "dying.log" in told[0]


def test_a_program_that_cannot_be_started_is_no_end(tmp_path: Path):
    """A command that is not there is said, and tried again."""

    async def scene(supervisor: Supervisor) -> None:
        missing = supervisor.start(Program("missing", ("/nowhere/at/all",), {}))
        await until(lambda: missing.deaths >= 1)

    assert "missing ended" in supervise(tmp_path, scene)[0]


def test_the_last_started_ends_first(tmp_path: Path):
    """Each has ended before the one that it stands on is told to."""
    code = "import signal, time; print('up', flush=True); signal.sigwait([signal.SIGTERM]); print(time.time_ns())"
    block = f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); {code}"

    async def scene(supervisor: Supervisor) -> None:
        for name in ("first", "second", "third"):
            supervisor.start(python(name, block))
        await until(lambda: all("up" in read(name) for name in ("first", "second", "third")))

    def read(name: str) -> str:
        log = tmp_path / f"{name}.log"
        return log.read_text() if log.exists() else ""

    supervise(tmp_path, scene)
    first, second, third = (int(read(name).split()[1]) for name in ("first", "second", "third"))
    assert third < second < first


def test_what_does_not_end_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Grace has an end, and with it every process, those that a process has started included."""
    monkeypatch.setattr(supervisor, "GRACE_S", 0.3)
    stubborn = (
        "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.fork(); print(os.getpid()); time.sleep(99)"
    )

    def pids() -> list[int]:
        log = tmp_path / "stubborn.log"
        return [int(word) for word in log.read_text().split()] if log.exists() else []

    async def scene(supervisor: Supervisor) -> None:
        supervisor.start(Program("stubborn", (sys.executable, "-u", "-c", stubborn), dict(os.environ)))
        await until(lambda: len(pids()) == 2)

    told = supervise(tmp_path, scene)
    assert "by force" in told[-1]
    eventually(lambda: not [pid for pid in pids() if _lives(pid)])


def test_in_haste_all_end_at_once(tmp_path: Path):
    """A second Ctrl-C waits for nobody."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"

    async def scene(supervisor: Supervisor) -> None:
        supervisor.start(python("stubborn", code))
        await until(lambda: (tmp_path / "stubborn.log").exists() and "up" in (tmp_path / "stubborn.log").read_text())
        ending = asyncio.create_task(supervisor.end())
        await asyncio.sleep(0)
        supervisor.kill()
        await ending

    assert not [told for told in supervise(tmp_path, scene) if "by force" in told]


def test_logs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A log that has grown too long is kept once, and written on from its beginning; its last lines can be read."""
    monkeypatch.setattr(supervisor, "LONGEST_LOG", 1000)

    async def scene(supervisor: Supervisor) -> None:
        code = "import time\nfor n in range(99999): print('line', n, flush=True); time.sleep(0.001)"
        writer: Supervised = supervisor.start(python("writer", code))
        await until(lambda: writer.log.exists() and writer.log.stat().st_size > 2000)
        writer.bound_log()
        assert writer.log.stat().st_size < 1000
        assert (tmp_path / "writer.old.log").stat().st_size > 2000
        await until(lambda: len(writer.tail(3)) == 3)

    supervise(tmp_path, scene)


def _lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
