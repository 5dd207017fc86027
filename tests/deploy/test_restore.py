"""Backup and restore as in deploy/operate.md: the audit names every loss, and operation continues."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, union_all

from seven.ranges import OrdinalRange, merge_ranges
from store.engine import create_store_engine
from store.schema import deliveries, ledger_marks
from tests.deploy.backups import Database, PostgresDatabase, SqliteDatabase
from tests.deploy.machine import Machine, Place
from tests.extent import thorough


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return SqliteDatabase(tmp_path)
    return PostgresDatabase(request.getfixturevalue("postgres"))


def audit(machine: Machine, *arguments: str, code: int) -> Any:
    """The answer of an audit; asserts its exit code."""
    completed = machine.command("audit", "--json", *arguments)
    assert completed.returncode == code, completed.stdout + completed.stderr
    return json.loads(completed.stdout)


def missing_runs(series: Iterable[Any]) -> dict[tuple[str, str], list[OrdinalRange]]:
    """The missing ordinals in an audit, by life and queue."""
    return {
        (entry["life"], entry["queue"]): [(first, last) for first, last in entry["missing_runs"]]
        for entry in series
        if entry["missing"]
    }


def runs_of(places: Iterable[Place]) -> dict[tuple[str, str], list[OrdinalRange]]:
    """The ordinals of places, in the form of `missing_runs`."""
    runs_by_series: dict[tuple[str, str], list[OrdinalRange]] = defaultdict(list)
    for life, queue, ordinal in places:
        runs_by_series[life, queue].append((ordinal, ordinal))
    return {series: merge_ranges(ordinals) for series, ordinals in runs_by_series.items()}


def last_known_ordinals(machine: Machine) -> dict[tuple[str, str], int]:
    """The last ordinal of each series in the database, from rows and marks."""
    engine = create_store_engine(machine.database.url)
    seen = union_all(
        select(deliveries.c.ledger, deliveries.c.queue, deliveries.c.ordinal),
        select(ledger_marks.c.ledger, ledger_marks.c.queue, ledger_marks.c.last_ordinal),
    ).subquery()
    last = select(*seen.c[:2], func.max(seen.c[2])).group_by(*seen.c[:2])
    with engine.connect().execution_options(reads=True) as connection:
        last_ordinals = {(life, queue): int(ordinal) for life, queue, ordinal in connection.execute(last)}
    engine.dispose()
    return last_ordinals


def acknowledge(machine: Machine, lost: set[str]) -> None:
    """Acknowledge a loss: from now on the audit is good, and `--against` still names the ids."""
    audit(machine, "--acknowledge", code=1)
    assert not audit(machine, code=0)["lost"]
    assert missing_ids(machine) == lost


def missing_ids(machine: Machine) -> set[str]:
    """The ids in the receiver's log that are neither in the ledger nor in the database."""
    return set(audit(machine, "--against", str(machine.receiver.log), code=1)["against"]["missing"])


def back_up_under_traffic(machine: Machine, database: Database, backup: Path) -> None:
    """Start, and back up under traffic, with deliveries settled before and after."""
    machine.start()
    machine.deliver(300)
    machine.wait_until_settled()
    with machine.traffic(rate=100):
        database.back_up(backup)
    machine.deliver(200)
    machine.wait_until_settled()


@thorough
@pytest.mark.duration(30)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_machine_is_gone(tmp_path: Path, database: Database):
    """With a backup made under traffic and an empty ledger, the audit names everything since, and the rest is there.

    Losses that the backup knew of are named by ordinal, all losses by id from the receivers' logs.
    """
    with Machine(tmp_path, database) as machine:
        back_up_under_traffic(machine, database, tmp_path / "backup")
        machine.worker.end()
        waiting = machine.deliver(20)  # in the ledger only
        old = set(machine.delivered)
        machine.lose()
        machine.empty_ledger()

        database.restore(tmp_path / "backup")
        restored, last = machine.stored_ids(), last_known_ordinals(machine)
        lost = old - restored
        assert len(restored) >= 300
        assert lost > waiting

        machine.start()
        machine.deliver(200)
        machine.wait_until_settled()
        answer = audit(machine, code=1)
        assert missing_runs(answer["earlier"]) == runs_of(
            place for place in machine.places(lost) if place[2] <= last.get(place[:2], 0)
        )
        assert all(series["open_end"] for series in answer["earlier"])
        assert missing_runs(answer["series"]) == {}
        assert missing_ids(machine) == lost

        acknowledge(machine, lost)
        assert machine.stored_ids() == set(machine.delivered) - lost
        machine.check_records()


@pytest.mark.duration(25)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_database_is_gone_and_the_ledger_is_not(tmp_path: Path, database: Database):
    """The ledger knows its ordinals: the audit names exactly those settled since the backup; pending ones are applied."""
    with Machine(tmp_path, database) as machine:
        back_up_under_traffic(machine, database, tmp_path / "backup")
        settled = machine.stored_ids()
        machine.worker.end()
        waiting = machine.deliver(20)
        machine.stop()

        database.restore(tmp_path / "backup")
        lost = settled - machine.stored_ids()
        assert lost

        machine.start()
        machine.wait_until_settled()
        answer = audit(machine, code=1)
        assert missing_runs(answer["series"]) == runs_of(machine.places(lost))
        assert answer["earlier"] == []
        assert missing_ids(machine) == lost
        assert machine.stored_ids() >= waiting

        acknowledge(machine, lost)
        machine.deliver(50)
        machine.wait_until_settled()
        assert machine.stored_ids() == set(machine.delivered) - lost
        assert not audit(machine, code=0)["lost"]
        machine.check_records()


@thorough
def test_the_ledgers_disk_is_gone(tmp_path: Path):
    """An empty ledger has lost only what was pending; the audit names each of its ordinals."""
    with Machine(tmp_path, SqliteDatabase(tmp_path)) as machine:
        lost = lose_with_pending(machine)
        machine.empty_ledger()
        continue_after_loss(machine)

        answer = audit(machine, code=1)
        assert missing_runs([*answer["series"], *answer["earlier"]]) == runs_of(machine.places(lost))
        assert missing_ids(machine) == lost
        acknowledge(machine, lost)
        machine.check_records()


@thorough
def test_an_older_file_of_the_ledger_hides_a_loss(tmp_path: Path):
    """An older ledger file saves no more than an empty one and reuses the lost ordinals: only the log has the ids.

    So it must never be restored, however recent it is.
    """
    with Machine(tmp_path, SqliteDatabase(tmp_path)) as machine:
        lost = lose_with_pending(machine)
        machine.restore_ledger(tmp_path / "copy")
        continue_after_loss(machine)

        assert missing_runs(audit(machine, code=0)["series"]) == {}
        assert missing_ids(machine) == lost
        machine.check_records()


def lose_with_pending(machine: Machine) -> set[str]:
    """Copy the ledger's files while batches are pending, settle these, and lose the machine with new ones pending.

    Returns the ids of the deliveries that were pending at the loss.
    """
    machine.start()
    machine.deliver(100, of="dlr")
    machine.wait_until_settled()
    machine.worker.end()
    machine.deliver(10, of="dlr")
    machine.copy_ledger(machine.directory / "copy")
    machine.worker.start()
    machine.wait_until_settled()
    machine.worker.end()
    lost = machine.deliver(10, of="dlr")
    machine.mark()
    machine.lose()
    return lost


def continue_after_loss(machine: Machine) -> None:
    """Deliver more than was lost; everything but the loss is stored."""
    lost = set(machine.delivered) - machine.stored_ids()
    machine.start()
    machine.deliver(30, of="dlr")
    machine.wait_until_settled()
    assert machine.stored_ids() == set(machine.delivered) - lost
