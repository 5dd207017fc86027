"""Supervisor: restarts processes that die, ends all of them in order, and bounds their logs."""

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


async def until(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def supervise(directory: Path, scene: Callable[[Supervisor], Awaitable[None]]) -> list[str]:
    """Play a scene with a supervisor, and end it. Returns what it reported."""
    reports: list[str] = []

    async def play() -> None:
        supervisor = Supervisor(directory, reports.append)
        try:
            await scene(supervisor)
        finally:
            await supervisor.end()

    asyncio.run(play())
    return reports


def test_a_process_that_dies_restarts_after_growing_pauses(tmp_path: Path):
    """It restarts as often as it dies, after longer and longer pauses, and each restart is reported."""

    async def scene(supervisor: Supervisor) -> None:
        dying = supervisor.start(python("dying", "raise SystemExit(7)"))
        await until(lambda: dying.deaths >= 2)

    reports = supervise(tmp_path, scene)
    assert "Dying ended (exit code 7) and restarts in 0.5 s" in reports[0]
    assert "in 1 s" in reports[1]
    assert "dying.log" in reports[0]


def test_a_program_that_cannot_be_started(tmp_path: Path):
    """A missing command is reported, and tried again."""

    async def scene(supervisor: Supervisor) -> None:
        missing = supervisor.start(Program("missing", ("/nowhere/at/all",), {}))
        await until(lambda: missing.deaths >= 1)

    assert "Missing ended" in supervise(tmp_path, scene)[0]


def test_the_last_started_ends_first(tmp_path: Path):
    """Each process has ended before the one it depends on gets its signal."""
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


def test_a_process_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """After the grace period it is killed with all its children."""
    monkeypatch.setattr(supervisor, "GRACE_S", 0.3)
    stubborn = (
        "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.fork();"
        " os.write(1, b'%d\\n' % os.getpid()); time.sleep(99)"
    )

    def pids() -> list[int]:
        log = tmp_path / "stubborn.log"
        return [int(word) for word in log.read_text().split()] if log.exists() else []

    async def scene(supervisor: Supervisor) -> None:
        supervisor.start(Program("stubborn", (sys.executable, "-u", "-c", stubborn), dict(os.environ)))
        await until(lambda: len(pids()) == 2)

    reports = supervise(tmp_path, scene)
    assert "is killed" in reports[-1]
    eventually(lambda: not [pid for pid in pids() if _lives(pid)])


def test_kill_ends_all_at_once(tmp_path: Path):
    """A second Ctrl-C waits for no process."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"

    async def scene(supervisor: Supervisor) -> None:
        supervisor.start(python("stubborn", code))
        await until(lambda: (tmp_path / "stubborn.log").exists() and "up" in (tmp_path / "stubborn.log").read_text())
        ending = asyncio.create_task(supervisor.end())
        await asyncio.sleep(0)
        supervisor.kill()
        await ending

    assert not [report for report in supervise(tmp_path, scene) if "is killed" in report]


def test_logs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A log that is too long moves to `.old.log` and starts anew; its last lines can be read."""
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
