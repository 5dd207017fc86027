"""The test servers tolerate other test runs on the same machine."""

from pathlib import Path

import psycopg
import pytest

from tests.servers import Postgres, eventually


def test_postgresql_is_below_no_directory_that_pytest_closes(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
):
    """A server that runs as another user reads its files even after a new pytest closes `pytest-of-…` to other users."""
    for folder in Path(tmp_path_factory.getbasetemp()).parents:
        if folder.name.startswith("pytest-of-"):
            folder.chmod(0o700)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:

        def work_mem() -> str:
            return connection.execute("SHOW work_mem").fetchone()[0]

        before = work_mem()
        connection.execute("ALTER SYSTEM SET work_mem = '5MB'")
        connection.execute("SELECT pg_reload_conf()")
        eventually(lambda: work_mem() == "5MB")
        connection.execute("ALTER SYSTEM RESET work_mem")
        connection.execute("SELECT pg_reload_conf()")
        eventually(lambda: work_mem() == before)
