"""Checking: whether what was promised is there, asked in three ways that know nothing of each other."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from ledger.client import Ledger
from seven.events import QUEUES
from seven.records import DeadLetter, Record
from store.schema import SCHEMA, metadata
from tests.chaos.workload import Rows
from tests.processes import ROOT

AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Audited:
    """What `seven-ingest audit --json --against` said."""

    exit_code: int
    lost: bool | None
    """None when it could not find out."""
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """Deliveries by id and by ordinal, counted without the audit's code."""

    ids: int
    ids_missing: list[str]
    """Of 2xx answers, and not in `deliveries`."""
    rows: int
    given_out: int
    """Ordinals, of the ledger's one life."""
    ordinals_missing: int
    ordinals_doubled: int
    lives: int
    """Of the ledger, as far as `deliveries` has seen."""
    outcomes: dict[str, int]
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Compared:
    """One table against the fold of the truth."""

    rows: int
    lacking: int
    """Keys that are not there, or whose row joined with the truth would change."""
    surplus: int
    """Keys that should not be there, or whose row says more than the truth."""


def audit(environment: dict[str, str], ids: Path) -> Audited:
    """Ask the command that an operator would ask."""
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("seven-ingest")), "audit", "--json", "--against", str(ids)],
        cwd=ROOT, env={**_inherited(), **environment}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    try:
        told = json.loads(ran.stdout)
    except ValueError:
        told = {"said": ran.stderr.strip().splitlines()[-1:]}
    known = ran.returncode in (0, 1) and isinstance(told.get("lost"), bool)
    return Audited(ran.returncode, bool(told["lost"]) or ran.returncode == 1 if known else None, told)


def count(engine: Engine, ledger: Ledger, ids: list[str]) -> Counted:
    """Every id of a 2xx answer is a row, and every ordinal that was given out is one row."""
    figures = ledger.figures(QUEUES)
    seen = {queue: bytearray(one.last_ordinal + 1) for queue, one in figures.queues.items()}
    open_ids, lives, outcomes, rows = set(ids), {figures.life or ""}, dict[str, int](), 0
    told = len(open_ids)
    for row in _rows(engine, "deliveries", ("id", "queue", "ledger", "ordinal", "outcome")):
        rows += 1
        open_ids.discard(row["id"])
        lives.add(row["ledger"])
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
        place = seen[row["queue"]]
        if row["ledger"] == figures.life and row["ordinal"] < len(place):
            place[row["ordinal"]] = min(2, place[row["ordinal"]] + 1)
    with engine.connect().execution_options(reads=True) as connection:
        letters = select(func.count()).select_from(metadata.tables[f"{SCHEMA}.{DeadLetter.table}"])
        dead = int(connection.execute(letters).scalar_one())
    return Counted(
        ids=told,
        ids_missing=sorted(open_ids),
        rows=rows,
        given_out=sum(len(place) - 1 for place in seen.values()),
        ordinals_missing=sum(place[1:].count(0) for place in seen.values()),
        ordinals_doubled=sum(place.count(2) for place in seen.values()),
        lives=len(lives),
        outcomes=outcomes,
        dead_letters=dead,
    )


def compare(engine: Engine, truth: dict[type[Record], Rows]) -> dict[str, Compared]:
    """Each table of records against what it must hold."""
    return {
        kind.table: _compare(engine, kind, rows) for kind, rows in sorted(truth.items(), key=lambda one: one[0].table)
    }


def _compare(engine: Engine, kind: type[Record], truth: Rows) -> Compared:
    """By the records' own join: what the truth adds is lacking, what it does not know is surplus."""
    rows = lacking = surplus = 0
    found: set[Any] = set()
    for row in _rows(engine, kind.table, tuple(one.name for one in fields(kind))):
        rows += 1
        record = kind(**row)
        expected = truth.get(record.key)
        found.add(record.key)
        if expected is None:
            surplus += 1
        elif record != expected:
            joined = record.merge(expected)
            lacking += joined != record
            surplus += joined != expected
    lacking += len(truth.keys() - found)
    return Compared(rows, lacking, surplus)


def _rows(engine: Engine, table: str, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    columns = metadata.tables[f"{SCHEMA}.{table}"].c
    with engine.connect().execution_options(reads=True, yield_per=AT_ONCE) as connection:
        for row in connection.execute(select(*(columns[name] for name in names))):
            yield dict(zip(names, row, strict=True))


def _inherited() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("SEVEN_", "REDIS_", "DATABASE_"))}
