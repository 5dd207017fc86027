"""Databases with backup and restore, by the commands of deploy/operate.md, for both kinds."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg.sql import SQL, Identifier

from tests.servers import Postgres


class Database(Protocol):
    """A database that can be backed up under write load, lost, and restored."""

    url: str

    def back_up(self, to: Path) -> None:
        """Write a consistent copy of the present state."""

    def restore(self, copy: Path) -> None:
        """Replace the content with the copy."""


class PostgresDatabase:
    """A database on a PostgreSQL server."""

    def __init__(self, server: Postgres) -> None:
        self._server, self.url = server, server.database()

    def back_up(self, to: Path) -> None:
        self._run("pg_dump", "--format=custom", "--schema=seven", f"--file={to}", self.url)

    def restore(self, copy: Path) -> None:
        name = Identifier(self.url.rpartition("/")[2])
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            connection.execute(SQL("CREATE DATABASE {}").format(name))
        self._run("pg_restore", "--exit-on-error", f"--dbname={self.url}", str(copy))

    def script(self) -> str:
        """The content as SQL, for any version: without psql's own commands."""
        lines = self._run("pg_dump", "--schema=seven", "--no-owner", "--rows-per-insert=100", self.url).splitlines()
        return "".join(f"{line}\n" for line in lines if line and not line.startswith(("\\", "--")))

    def _run(self, program: str, *arguments: str) -> str:
        completed = subprocess.run(
            [str(self._server.binaries / program), *arguments], capture_output=True, text=True, check=False
        )
        assert completed.returncode == 0, completed.stderr
        return completed.stdout


class SqliteDatabase:
    """An SQLite database file."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "seven.db"
        self.url = f"sqlite:///{self._file}"

    def back_up(self, to: Path) -> None:
        """Use VACUUM INTO: one statement, one snapshot. `.backup` restarts at every concurrent write and may never end."""
        with closing(sqlite3.connect(self._file, timeout=30)) as connection:
            connection.execute("VACUUM INTO ?", (str(to),))

    def restore(self, copy: Path) -> None:
        """Delete -wal and -shm together with the file they belong to."""
        for name in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + name).unlink(missing_ok=True)
        self._file.write_bytes(copy.read_bytes())
