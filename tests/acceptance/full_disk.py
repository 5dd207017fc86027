"""A disk that runs full under traffic, as a program: the server's directory has to be a small file system of its own.

    python -m tests.acceptance.full_disk redis|sqlite|postgresql DIRECTORY

tests/acceptance/test_full_disk.py runs it, with DIRECTORY/small mounted for it alone.
"""

import errno
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2

from tests.deploy.backups import Database, PostgresDatabase, SqliteDatabase
from tests.deploy.machine import Machine
from tests.servers import Postgres, eventually

RATE = 40.0
CHUNKS = (1 << 16, 1 << 10, 1)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """No byte is left on a disk for the length of a block."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for chunk in CHUNKS:
            try:
                while file.write(b"x" * chunk):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017 - what a full disk says
        yield
    ballast.unlink()


def redis_disk(directory: Path, disk: Path, stack: ExitStack) -> None:
    """Redis ends rather than confirm what it cannot write: receivers answer 503 until a supervisor starts it with room."""
    with machine_on(directory, SqliteDatabase(directory), stack, ledger=disk) as machine, machine.traffic(RATE):
        with full(disk):
            eventually(lambda: ended(machine))
            eventually(lambda: ready(machine) == 503)
            status = machine.command("status")
            assert status.returncode in (1, 3)
            assert "ECONNREFUSED" in status.stdout, status.stdout
            with suppress(AssertionError):  # it may end at once
                machine.valkey.start()  # as a supervisor does, and what it confirms it keeps
        eventually(lambda: supervised(machine) == 200)


def database_disk(
    directory: Path, disk: Path, stack: ExitStack, database: Database, restart: Callable[[], None]
) -> None:
    """Workers hold while the database takes no row; receivers go on accepting."""
    with machine_on(directory, database, stack) as machine, machine.traffic(RATE):
        with full(disk):
            eventually(lambda: complaint(machine))
            machine.deliver(50)
            assert ready(machine) == 200
        restart()


@contextmanager
def machine_on(directory: Path, database: Database, stack: ExitStack, ledger: Path | None = None) -> Iterator[Machine]:
    """A machine with settled deliveries; after the block all of its deliveries are settled, and the audit is good."""
    machine = stack.enter_context(Machine(directory, database, ledger))
    machine.start()
    machine.deliver(200)
    machine.wait_until_settled()
    processes = [process.process for process in (machine.receiver, machine.worker, machine.beat)]
    yield machine
    machine.wait_until_settled()
    audited = machine.command("audit", "--json", "--against", str(machine.receiver.log))
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert json.loads(audited.stdout)["against"]["missing"] == []
    assert machine.stored_ids() >= set(machine.delivered)
    machine.check_records()
    assert processes == [process.process for process in (machine.receiver, machine.worker, machine.beat)]
    assert [process.poll() for process in processes if process] == [None, None, None], "a process has ended"


def ready(machine: Machine) -> int:
    return httpx2.get(f"{machine.receiver.url}/readyz").status_code


def supervised(machine: Machine) -> int:
    """Whether it is ready, once Redis was started again if it had ended: it may do so also just after there is room."""
    if ended(machine):
        machine.valkey.start()
    return ready(machine)


def ended(machine: Machine) -> bool:
    return machine.valkey.process is not None and machine.valkey.process.poll() is not None


def complaint(machine: Machine) -> str:
    """The lines of `status` that name a full disk."""
    lines = machine.command("status").stdout.splitlines()
    return "\n".join(line for line in lines if "disk is full" in line)


def main(kind: str, directory: Path) -> None:
    """Run one scenario."""
    disk = directory / "small"
    with ExitStack() as stack:
        if kind == "redis":
            return redis_disk(directory, disk, stack)
        if kind == "sqlite":
            return database_disk(directory, disk, stack, SqliteDatabase(disk), lambda: None)
        tempfile.tempdir = str(disk)  # where the server's files are made
        server = Postgres(disk)
        server.create()
        tempfile.tempdir = None
        server.start()
        stack.callback(server.stop)

        def restart() -> None:
            if server.process and server.process.poll() is not None:
                server.start_again()

        return database_disk(directory, disk, stack, PostgresDatabase(server), restart)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
