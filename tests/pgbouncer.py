"""A real PgBouncer in front of a test's PostgreSQL; tests are skipped if it is not installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.servers import Postgres, eventually, free_port

CONFIGURATION = """
[databases]
{database} = host=127.0.0.1 port={server} dbname={database} user=seven
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
"""


@contextmanager
def pgbouncer(postgres: Postgres, database: str, size: int, mode: str = "transaction") -> Iterator[str]:
    """Run a pool of `size` connections to a database for the length of a block; yields its URL."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer on this machine")
    # Not below pytest's own directory, which is closed to other users: PgBouncer refuses to run as root.
    directory = Path(tempfile.mkdtemp(prefix="seven-pgbouncer-"))
    port, file = free_port(), directory / f"pgbouncer-{mode}.ini"
    file.write_text(
        CONFIGURATION.format(database=database, server=postgres.port, port=port, mode=mode, size=size), encoding="utf-8"
    )
    if postgres.user:
        for path in (directory, file):
            shutil.chown(path, postgres.user)
    url = f"postgresql://seven@127.0.0.1:{port}/{database}"
    with (
        (directory / "pgbouncer.log").open("wb") as log,
        subprocess.Popen([program, str(file)], user=postgres.user, cwd="/", stdout=log, stderr=log) as process,
    ):
        try:
            eventually(lambda: process.poll() is None and _answers(url))
            yield url
        finally:
            process.terminate()  # at once, even with clients connected
            shutil.rmtree(directory, ignore_errors=True)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
