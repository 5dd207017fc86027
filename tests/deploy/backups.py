"""Databases with their backups: the commands of deploy/README.md, for each of the two kinds."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg.sql import SQL, Identifier

from tests.servers import Postgres


class Database(Protocol):
    """One database, which may be backed up while others write, lost, and restored."""

    url: str

    def back_up(self, to: Path) -> None:
        """Write a copy of this moment."""

    def restore(self, copy: Path) -> None:
        """Whatever is there goes; what is in the copy takes its place."""


class PostgresDatabase:
    """A database of a server."""

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

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._server.binaries / program), *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


class SqliteDatabase:
    """A database in a file."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "seven.db"
        self.url = f"sqlite:///{self._file}"

    def back_up(self, to: Path) -> None:
        """One statement, one snapshot. The shell's `.backup` begins again at each write of others, and may never end."""
        with closing(sqlite3.connect(self._file, timeout=30)) as connection:
            connection.execute("VACUUM INTO ?", (str(to),))

    def restore(self, copy: Path) -> None:
        """With the file go its -wal and -shm: they belong to it alone."""
        for name in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + name).unlink(missing_ok=True)
        self._file.write_bytes(copy.read_bytes())
