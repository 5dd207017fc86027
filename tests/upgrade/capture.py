"""Keep what a release leaves behind, for the tests of later versions: `python -m tests.upgrade.capture 0.1.0`.

For each kind of database a directory with its tables as SQL, the ledger's and Celery's keys as an append-only file that
every Redis reads, and the receiver's log. Some deliveries are settled; others wait in the ledger, announced to workers
that are gone, beside what beat has sent.
"""

import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from tests.deploy.backups import Database, PostgresDatabase, SqliteDatabase
from tests.deploy.machine import Machine
from tests.servers import Postgres, eventually
from tests.upgrade.releases import check_out, command, run_code

STORED = Path(__file__).parent / "stored"
TABLES, LEDGER, LOG = "tables.sql", "ledger/appendonly.aof", "receiver.log"
SETTLED, WAITING = 60, 40
CLOCK_TASKS = 3


def capture(release: str) -> None:
    """Run the release on each database, and write the files."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        code, server = check_out(release, directory), Postgres(directory / "server")
        server.directory.mkdir()
        server.create()
        server.start()
        try:
            for kind in ("sqlite", "postgresql"):
                (directory / kind).mkdir()
                database = SqliteDatabase(directory / kind) if kind == "sqlite" else PostgresDatabase(server)
                _capture(code, directory / kind, database, STORED / release / kind)
        finally:
            server.stop()
            server.remove()


def _capture(code: Path, directory: Path, database: Database, to: Path) -> None:
    (to / LEDGER).parent.mkdir(parents=True, exist_ok=True)
    with Machine(directory, database) as machine:
        machine.valkey.start()
        migrated = command(code, machine.receiver.environment, "migrate")
        assert migrated.returncode == 0, migrated.stderr
        run_code(code, machine.receiver, machine.worker, machine.beat)
        machine.deliver(SETTLED)
        machine.wait_until_settled()
        machine.worker.end()
        machine.deliver(WAITING)
        with machine.valkey.client() as client:
            eventually(lambda: client.llen("clock") >= CLOCK_TASKS)
            machine.beat.end()
            machine.receiver.end()
            client.config_set("aof-use-rdb-preamble", "no")
            client.bgrewriteaof()
            eventually(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
            (base,) = (directory / "valkey/appendonlydir").glob("*.base.aof")
        shutil.copy(base, to / LEDGER)
        shutil.copy(machine.receiver.log, to / LOG)
        (to / TABLES).write_text(_tables(database))


def _tables(database: Database) -> str:
    """All tables with their rows, as SQL."""
    if isinstance(database, PostgresDatabase):
        return database.script()
    with closing(sqlite3.connect(str(make_url(database.url).database))) as connection:
        return "".join(f"{line}\n" for line in connection.iterdump())


if __name__ == "__main__":
    capture(sys.argv[1])
