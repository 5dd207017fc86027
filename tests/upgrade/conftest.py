"""Both kinds of database, and commands of today's code."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.backups import Database, PostgresDatabase, SqliteDatabase
from tests.deploy.machine import Machine


@pytest.fixture
def database(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if dialect == "sqlite":
        return SqliteDatabase(tmp_path)
    return PostgresDatabase(request.getfixturevalue("postgres"))


def audited(machine: Machine) -> Any:
    """What the audit finds, of all that receivers have logged."""
    completed = machine.command("audit", "--json", "--against", str(machine.receiver.log))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return json.loads(completed.stdout)


def succeed(machine: Machine, *words: str) -> None:
    """A command that ends well."""
    completed = machine.command(*words)
    assert completed.returncode == 0, completed.stdout + completed.stderr
