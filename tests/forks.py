"""Run our scripts in processes forked from one that has already imported their modules.

Importing takes one or two seconds of processor time, and the suite runs scripts hundreds of times. `Installation.start`,
and tests that need a signal or closed streams, start the scripts by name, as people do.
"""

import multiprocessing
import os
import pkgutil
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import cli.commands

COMMAND = str(Path(sys.executable).parent / "seven-ingest")
PATIENCE_S = 240.0

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *(module.name for module in pkgutil.iter_modules(cli.commands.__path__, "cli.commands.")),
        *("cli.main", "ingest.settings", "workers.settings", "dotenv"),
        *("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg"),
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
    for number, file in ((1, output), (2, errors)):
        os.dup2(file.detach(), number)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(arguments)
    runpy.run_path(arguments[0], run_name="__main__")
