"""Query failure: whether the statement is at fault or the database."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.exits import ExitCode
from cli.query_failure import QueryFailure, query_failure


def failure(file: Path, statement: str) -> tuple[str, QueryFailure]:
    """The name of the error that a statement ends with in a file that can only be read, and what it stands for."""
    reader = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    with closing(reader), pytest.raises(sqlite3.Error) as raised:
        reader.execute(statement)
    return raised.value.sqlite_errorname, query_failure(raised.value, 30)


def test_a_read_only_file(tmp_path: Path) -> None:
    """A statement that writes is refused; one that reads has no answer where a crash has left a journal to apply."""
    good, crashed = tmp_path / "good.db", tmp_path / "crashed.db"
    with closing(sqlite3.connect(good, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 4000,)] * 100)
        for suffix in ("", "-journal"):
            shutil.copy(f"{good}{suffix}", f"{crashed}{suffix}")
        connection.execute("ROLLBACK")
    name, refused = failure(good, "INSERT INTO t VALUES (1)")
    assert (name, refused.code) == ("SQLITE_READONLY", ExitCode.USAGE)
    name, unknown = failure(crashed, "SELECT * FROM t")
    assert (name, unknown.code) == ("SQLITE_READONLY_ROLLBACK", ExitCode.UNKNOWN)
