"""migrate: brings a database to the current schema."""

import json
import os
import secrets
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text

from store.engine import create_store_engine
from store.version import newest
from tests.cli.installation import CommandLine
from tests.forks import COMMAND
from tests.servers import PATIENCE_S


def test_a_second_run_changes_nothing(installation: CommandLine, empty_database: str):
    """The first run reports both versions, the second no change; on either database."""
    installation.environment["DATABASE_URL"] = empty_database
    assert installation.answer("migrate") == {"before": None, "after": newest(), "changed": True}
    assert installation.answer("migrate") == {"before": newest(), "after": newest(), "changed": False}
    assert newest() in installation.run("migrate").stdout


def test_waiting_changes_nothing_and_ends_with_the_migration(installation: CommandLine, empty_database: str):
    """`--wait` says what it waits for, ends when another run has migrated, and at once from then on."""
    installation.environment["DATABASE_URL"] = empty_database
    with subprocess.Popen(
        [COMMAND, "migrate", "--wait", "--json"],
        cwd=installation.directory, env=installation.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as waiting:  # fmt: skip
        assert waiting.stderr
        assert waiting.stderr.readline() == f"Waiting: the database is empty, not at {newest()}.\n"
        assert installation.answer("migrate")["before"] is None
        answer, _ = waiting.communicate(timeout=PATIENCE_S)

    expected = {"before": newest(), "after": newest(), "changed": False}
    assert (waiting.returncode, json.loads(answer)) == (0, expected)
    assert installation.answer("migrate", "--wait") == expected


def test_a_newer_schema_is_left_alone(installation: CommandLine, empty_database: str):
    """After a rollback an older program works with newer tables: it neither fails nor waits, and changes nothing."""
    installation.environment["DATABASE_URL"] = empty_database
    installation.run("migrate")
    engine = create_store_engine(empty_database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE seven_ingest_version SET version_num = '9999'"))
    engine.dispose()

    unchanged = {"before": "9999", "after": "9999", "changed": False}
    assert installation.answer("migrate") == installation.answer("migrate", "--wait") == unchanged


def test_without_a_database_url(installation: CommandLine):
    """It creates SEVEN_DATA_DIR, readable by its owner only, with an SQLite file."""
    assert installation.run("migrate").returncode == 0
    assert installation.count("messages") == 0
    assert installation.data.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_it_makes_the_role_that_only_reads(installation: CommandLine, empty_database: str):
    """`--reader` makes the role of SEVEN_READER_URL, by which `query` reads; it leaves another as it is, and says so."""
    role = f"reader_{secrets.token_hex(4)}"
    installation.environment |= {"DATABASE_URL": empty_database}
    reader_url = empty_database.replace("seven@", f"{role}:a-password@")
    assert installation.answer("migrate", "--reader")["reader"] == "SEVEN_READER_URL is not set"
    installation.environment["SEVEN_READER_URL"] = reader_url
    assert installation.answer("migrate", "--reader")["reader"] == "ready"
    assert installation.answer("query", "SELECT current_user AS me")["rows"] == [{"me": role}]
    installation.environment["SEVEN_READER_URL"] = empty_database
    result = installation.run("migrate", "--reader")
    assert (result.returncode, "No role that only reads was made" in result.stderr) == (0, True)
    assert "a-password" not in result.stdout + result.stderr


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_database_file_is_private(installation: CommandLine, tmp_path: Path, umask: int):
    """Only its owner can read it, whatever the umask and wherever it is; an existing file keeps its mode."""
    shared, existing = tmp_path / "shared.db", tmp_path / "existing.db"
    existing.touch(0o640)
    existing.chmod(0o640)
    before = os.umask(umask)
    try:
        assert installation.run("migrate").returncode == 0
        for file in (shared, existing):
            assert installation.run("migrate", DATABASE_URL=f"sqlite:///{file}").returncode == 0
    finally:
        os.umask(before)
    modes = [file.stat().st_mode & 0o777 for file in (installation.data / "seven.db", shared, existing)]
    assert modes == [0o600, 0o600, 0o640]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("mysql://127.0.0.1/x", 2, id="another kind"),
        pytest.param("what is this", 2, id="no URL"),
        pytest.param("postgresql://u:hidden-word@127.0.0.1:1/x", 3, id="away"),
        pytest.param("sqlite:////dev/null/seven.db", 3, id="nowhere"),
    ],
)
def test_a_database_that_cannot_be_reached(installation: CommandLine, url: str, code: int):
    """An exit code and a sentence, without the password."""
    result = installation.run("migrate", DATABASE_URL=url)
    assert result.returncode == code
    assert result.stderr
    assert "Traceback" not in result.stderr
    assert "hidden-word" not in result.stderr


def test_waiting_makes_no_reader(installation: CommandLine):
    """Who asks for both gets neither."""
    result = installation.run("migrate", "--wait", "--reader")
    assert (result.returncode, "--wait changes nothing" in result.stderr) == (2, True)
