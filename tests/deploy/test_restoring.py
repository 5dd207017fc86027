"""Backup and restore, rehearsed as deploy/README.md tells it: what is lost is named, and everything goes on."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, union_all

from seven.ranges import Run, runs
from store.engine import create_store_engine
from store.schema import deliveries, ledger_marks
from tests.deploy.backups import Database, PostgresDatabase, SqliteDatabase
from tests.deploy.machine import Machine, Place
from tests.deploy.tools import thorough


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return SqliteDatabase(tmp_path)
    return PostgresDatabase(request.getfixturevalue("postgres"))


def audited(machine: Machine, *words: str, code: int) -> Any:
    """What an audit says, and that it ends with this exit code."""
    ended = machine.command("audit", "--json", *words)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


def named(series: Iterable[Any]) -> dict[tuple[str, str], list[Run]]:
    """The ordinals that an audit calls missing, by life and queue."""
    return {(one["life"], one["queue"]): [(a, b) for a, b in one["missing_runs"]] for one in series if one["missing"]}


def as_runs(places: Iterable[Place]) -> dict[tuple[str, str], list[Run]]:
    """The same of what a test knows to be lost."""
    found: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for life, queue, ordinal in places:
        found[life, queue].append((ordinal, ordinal))
    return {place: runs(some) for place, some in found.items()}


def known_up_to(machine: Machine) -> dict[tuple[str, str], int]:
    """The last ordinal of each series that the database knows of, by a row or a mark."""
    engine = create_store_engine(machine.database.url)
    seen = union_all(
        select(deliveries.c.ledger, deliveries.c.queue, deliveries.c.ordinal),
        select(ledger_marks.c.ledger, ledger_marks.c.queue, ledger_marks.c.last_ordinal),
    ).subquery()
    last = select(*seen.c[:2], func.max(seen.c[2])).group_by(*seen.c[:2])
    with engine.connect().execution_options(reads=True) as connection:
        found = {(life, queue): int(ordinal) for life, queue, ordinal in connection.execute(last)}
    engine.dispose()
    return found


def acknowledge(machine: Machine, lost: set[str]) -> None:
    """Take note of a loss: from now on the audit is good, and still names the ids to who asks for them."""
    audited(machine, "--acknowledge", code=1)
    assert not audited(machine, code=0)["lost"]
    assert against(machine) == lost


def against(machine: Machine) -> set[str]:
    """The ids in the receiver's log that are nowhere."""
    return set(audited(machine, "--against", str(machine.receiver.log), code=1)["against"]["missing"])


def back_up_in_the_midst(machine: Machine, database: Database, backup: Path) -> None:
    """Start, and make a backup under traffic, with deliveries settled before it and after it."""
    machine.start()
    machine.tell(300)
    machine.settle()
    with machine.traffic(rate=100):
        database.back_up(backup)
    machine.tell(200)
    machine.settle()


@pytest.mark.duration(30)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_machine_is_gone(tmp_path: Path, database: Database):
    """A backup from the midst of the traffic and a ledger that begins empty: what came since is named, the rest is there.

    By its ordinal as far as the backup knew of it, by its id from the receivers' logs in any case.
    """
    with Machine(tmp_path, database) as machine:
        back_up_in_the_midst(machine, database, tmp_path / "backup")
        machine.worker.end()
        waiting = machine.tell(20)  # in the ledger only
        old = set(machine.told)
        machine.lose()
        machine.empty_ledger()

        database.restore(tmp_path / "backup")
        restored, last = machine.kept(), known_up_to(machine)
        lost = old - restored
        assert len(restored) >= 300
        assert lost > waiting

        machine.start()
        machine.tell(200)
        machine.settle()
        told = audited(machine, code=1)
        assert named(told["earlier"]) == as_runs(one for one in machine.places(lost) if one[2] <= last.get(one[:2], 0))
        assert all(one["open_end"] for one in told["earlier"])
        assert named(told["series"]) == {}
        assert against(machine) == lost

        acknowledge(machine, lost)
        assert machine.kept() == set(machine.told) - lost
        machine.check_records()


@pytest.mark.duration(25)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_database_is_gone_and_the_ledger_is_not(tmp_path: Path, database: Database):
    """The ledger knows what it gave out: exactly what was settled since the backup is named; what waited is applied."""
    with Machine(tmp_path, database) as machine:
        back_up_in_the_midst(machine, database, tmp_path / "backup")
        settled = machine.kept()
        machine.worker.end()
        waiting = machine.tell(20)
        machine.stop()

        database.restore(tmp_path / "backup")
        lost = settled - machine.kept()
        assert lost

        machine.start()
        machine.settle()
        told = audited(machine, code=1)
        assert named(told["series"]) == as_runs(machine.places(lost))
        assert told["earlier"] == []
        assert against(machine) == lost
        assert machine.kept() >= waiting

        acknowledge(machine, lost)
        machine.tell(50)
        machine.settle()
        assert machine.kept() == set(machine.told) - lost
        assert not audited(machine, code=0)["lost"]
        machine.check_records()


@thorough
def test_the_ledgers_disk_is_gone(tmp_path: Path):
    """A ledger that begins empty has lost what was pending, and no more: the audit names each ordinal of it."""
    with Machine(tmp_path, SqliteDatabase(tmp_path)) as machine:
        lost = until_it_breaks(machine)
        machine.empty_ledger()
        goes_on(machine)

        told = audited(machine, code=1)
        assert named([*told["series"], *told["earlier"]]) == as_runs(machine.places(lost))
        assert against(machine) == lost
        acknowledge(machine, lost)
        machine.check_records()


@thorough
def test_an_older_file_of_the_ledger_hides_a_loss(tmp_path: Path):
    """It saves nothing that an empty one would not, and gives the lost ordinals to others: only the log knows them.

    So it is never to be put back, however fresh it is.
    """
    with Machine(tmp_path, SqliteDatabase(tmp_path)) as machine:
        lost = until_it_breaks(machine)
        machine.restore_ledger(tmp_path / "copy")
        goes_on(machine)

        assert named(audited(machine, code=0)["series"]) == {}
        assert against(machine) == lost
        machine.check_records()


def until_it_breaks(machine: Machine) -> set[str]:
    """A copy of the ledger's files is made while something is pending, which is applied before they are lost; returns
    what was pending when they were."""
    machine.start()
    machine.tell(100, of="dlr")
    machine.settle()
    machine.worker.end()
    machine.tell(10, of="dlr")
    machine.copy_ledger(machine.directory / "copy")
    machine.worker.start()
    machine.settle()
    machine.worker.end()
    lost = machine.tell(10, of="dlr")
    machine.mark()
    machine.lose()
    return lost


def goes_on(machine: Machine) -> None:
    """More is told than was lost, and everything but that is there."""
    lost = set(machine.told) - machine.kept()
    machine.start()
    machine.tell(30, of="dlr")
    machine.settle()
    assert machine.kept() == set(machine.told) - lost
