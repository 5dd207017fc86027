"""Restore to a point in time as in deploy/operate.md: somebody has deleted rows, and pgBackRest takes them back."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.deploy.backups import PostgresDatabase
from tests.deploy.machine import Machine
from tests.deploy.test_restore import acknowledge, audit, missing_ids
from tests.extent import thorough
from tests.pgbackrest import ArchivedPostgres, archived_postgres


class ArchivedDatabase(PostgresDatabase):
    """A database of such a server."""

    def __init__(self, server: ArchivedPostgres) -> None:
        super().__init__(server)
        self.server = server


@thorough
def test_rows_are_deleted_by_mistake(tmp_path: Path):
    """What was applied after that moment is named, and nothing else is missing."""
    (tmp_path / "postgres").mkdir()
    with archived_postgres(tmp_path / "postgres") as server:
        database = ArchivedDatabase(server)
        with Machine(tmp_path, database) as machine:
            machine.start()
            with machine.traffic(rate=100):
                server.back_up()
            before = machine.deliver(300)
            machine.wait_until_settled()
            before |= machine.stored_ids()
            moment = datetime.now(UTC)
            with psycopg.connect(database.url) as connection:
                connection.execute("DELETE FROM seven.messages")
                connection.execute("DELETE FROM seven.deliveries")
            later = machine.deliver(200)
            machine.wait_until_settled()
            machine.stop()

            server.restore(moment)
            assert machine.stored_ids() == before
            machine.start()
            afterwards = machine.deliver(100)
            machine.wait_until_settled()
            assert audit(machine, code=1)["lost"]
            assert missing_ids(machine) == later
            acknowledge(machine, later)
            assert machine.stored_ids() == before | afterwards
            machine.check_records()
