"""What a release left behind, from files: today's code migrates its tables, consumes what it accepted, and goes on."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from seven.events import QUEUES
from tests.deploy.backups import Database
from tests.deploy.machine import Machine
from tests.processes import ROOT
from tests.upgrade.capture import CLOCK_TASKS, LEDGER, LOG, SETTLED, STORED, TABLES, WAITING
from tests.upgrade.conftest import audited, succeed
from tests.upgrade.releases import RELEASES


def load_tables(database: Database, script: str) -> None:
    """Fill an empty database."""
    url = make_url(database.url)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection:
            connection.executescript(script)
    else:
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(script.encode())


def test_every_release_is_here():
    """Each section of the changelog has its data, from 0.1.0 on."""
    sections = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert set(RELEASES) == set(sections) == {each.name for each in STORED.iterdir()}


@pytest.mark.duration(15)
@pytest.mark.parametrize("release", RELEASES)
def test_what_a_release_left(tmp_path: Path, dialect: str, database: Database, release: str):
    """Its announcements lead a worker to its batches; rows, records and ordinals are complete, and traffic goes on.

    Beat does not run, so nothing is announced again: the release's own Celery messages have to do.
    """
    stored = STORED / release / dialect
    load_tables(database, (stored / TABLES).read_text())
    with Machine(tmp_path, database) as machine:
        machine.restore_ledger((stored / LEDGER).parent)
        machine.receiver.log.write_bytes((stored / LOG).read_bytes())
        machine.valkey.start()
        with machine.valkey.client() as client:
            waiting = sum(client.zcard(f"seven:pending:{queue}") for queue in QUEUES)
            assert 0 < waiting <= WAITING
            assert sum(client.llen(queue) for queue in QUEUES) > 0
            assert client.llen("clock") >= CLOCK_TASKS
        settled = machine.stored_ids()
        assert len(settled) == SETTLED

        succeed(machine, "migrate")
        machine.worker.start()
        machine.wait_until_settled()
        answer = audited(machine)
        assert answer["lost"] is False
        assert answer["against"]["missing"] == []
        assert len(machine.stored_ids()) == SETTLED + WAITING
        rebuilt = machine.command("rebuild", "--since", "2026-01-01", "--dry-run", "--json")
        assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
        plan = json.loads(rebuilt.stdout)
        assert plan["subjects"] > 0
        assert set(plan["rows"].values()) == {0}, plan

        machine.receiver.start()
        machine.deliver(50)
        machine.wait_until_settled()
        assert audited(machine)["lost"] is False
        assert len(machine.stored_ids()) == SETTLED + WAITING + 50
