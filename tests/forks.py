"""Run our scripts and servers in processes forked from one that has already imported their modules.

Importing takes one or two seconds of processor time, and the suite starts hundreds of processes. `CommandLine.start`,
tests that need closed streams, and `make deploy-check` start everything by name, as people do.
"""

import gc
import multiprocessing
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType

import cli.commands
import console
import ingest
import workers
from tests.trust import share_trust

share_trust()

COMMAND = str(Path(sys.executable).parent / "seven-ingest")
PATIENCE_S = 240.0


def _modules(package: ModuleType) -> list[str]:
    """The modules of a package that may be imported early: all but its app, which reads the environment."""
    names = [module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]
    return [name for name in names if not name.endswith(".app")]


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *(name for package in (cli.commands, ingest, workers, console) for name in _modules(package)),
        *("cli.main", "dotenv", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg"),
        *("celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "celery.concurrency.thread"),
        *("kombu.transport.redis", "uvicorn.main", "uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.on"),
        __name__,
    ]
)


def run_script(
    arguments: Sequence[str], directory: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a Python file with arguments to its end, with an empty standard input."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        with script(arguments, directory, environment, output.fileno(), errors.fileno()) as process:
            process.join(PATIENCE_S)
            assert process.exitcode is not None, f"{arguments} has not ended after {PATIENCE_S:.0f} s"
            code = process.exitcode
        for file in (output, errors):
            file.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, output.read(), errors.read())


@contextmanager
def script(
    arguments: Sequence[str], directory: Path, environment: dict[str, str], output: int, errors: int
) -> Iterator[ForkServerProcess]:
    """A Python file that runs with arguments for the length of a block, and writes into these descriptors."""
    process = _FORKS.Process(
        target=_run, args=(arguments, directory, environment, *map(_FORKS.reducer.DupFd, (output, errors)))
    )
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def _run(arguments: Sequence[str], directory: Path, environment: dict[str, str], output, errors) -> None:
    _become(arguments, directory, environment, output, errors)
    runpy.run_path(arguments[0], run_name="__main__")


def _become(arguments: Sequence[str], directory: Path, environment: dict[str, str], output, errors) -> None:
    gc.freeze()  # no collection looks at, and so copies, the objects of all modules
    for number, file in ((1, output), (2, errors)):
        os.dup2(file.detach(), number)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(arguments)


class Fork:
    """A script, or a module as `python -m` runs it, in a session of its own; to be used like a `subprocess.Popen`."""

    def __init__(self, words: Sequence[str], directory: Path, environment: dict[str, str], output: int) -> None:
        streams = (_FORKS.reducer.DupFd(output), _FORKS.reducer.DupFd(output))
        # a daemon, so that a failed test's process does not keep pytest from ending
        self._process = _FORKS.Process(
            target=_run_in_session, args=(words, directory, environment, *streams), daemon=True
        )
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns the exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run_in_session(words: Sequence[str], directory: Path, environment: dict[str, str], output, errors) -> None:
    os.setsid()
    _become(words, directory, environment, output, errors)
    if os.path.isabs(words[0]):
        runpy.run_path(words[0], run_name="__main__")
    else:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
