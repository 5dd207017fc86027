"""A PostgreSQL whose write-ahead log pgBackRest archives; tests are skipped where it is not installed."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from tests.servers import Postgres

CONFIGURATION = """
[global]
repo1-path={directory}/repository
lock-path={directory}/lock
spool-path={directory}/spool
log-level-console=warn
log-level-file=off
start-fast=y
[seven]
pg1-path={data}
pg1-port={port}
pg1-socket-path={socket}
pg1-user=seven
pg1-database=postgres
"""
SERVER = """
archive_mode = on
archive_command = '{program} --config={file} --stanza=seven archive-push %p'
"""


class ArchivedPostgres(Postgres):
    """A server with backups, and a restore to any moment since the first."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        program = shutil.which("pgbackrest")
        if program is None:
            pytest.skip("no pgBackRest on this machine (Debian: pgbackrest)")
        self._program = program

    def create(self) -> None:
        super().create()
        data = self.directory / "data"
        # Not below pytest's own directory, which is closed to other users: PostgreSQL runs as one.
        self._archive = Path(tempfile.mkdtemp(prefix="seven-pgbackrest-"))
        self._file = self._archive / "pgbackrest.conf"
        self._file.write_text(
            CONFIGURATION.format(directory=self._archive, data=data, port=self.port, socket=self.directory)
        )
        with (data / "postgresql.conf").open("a") as file:
            file.write(SERVER.format(program=self._program, file=self._file))
        if self.user:
            for path in (self._archive, self._file):
                shutil.chown(path, self.user)

    def remove(self) -> None:
        super().remove()
        shutil.rmtree(self._archive, ignore_errors=True)

    def back_up(self) -> None:
        """Make a full backup, while others write."""
        self._run("stanza-create")
        self._run("backup", "--type=full")

    def restore(self, to: datetime) -> None:
        """Take the server back to a moment, and start it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_switch_wal()")
        self.stop()
        target = to.strftime("%Y-%m-%d %H:%M:%S.%f+00")
        self._run("restore", "--delta", "--type=time", f"--target={target}", "--target-action=promote")
        self.start()

    def _run(self, *words: str) -> None:
        command = [self._program, f"--config={self._file}", "--stanza=seven", *words]
        completed = subprocess.run(command, user=self.user, cwd="/", capture_output=True, text=True, check=False)
        assert completed.returncode == 0, completed.stdout + completed.stderr


@contextmanager
def archived_postgres(directory: Path) -> Iterator[ArchivedPostgres]:
    """Run such a server for the length of a block."""
    server = ArchivedPostgres(directory)
    server.create()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.remove()
