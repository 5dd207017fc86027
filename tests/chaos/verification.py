"""Verify a run in three independent ways: the audit command, counted ids and ordinals, and the expected records."""

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
from seven.archive_records import DeadLetter
from seven.events import QUEUES
from seven.record import Record
from store.schema import SCHEMA, metadata
from tests.chaos.workload import Rows
from tests.processes import ROOT

FETCH_SIZE = 5000


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The answer of `seven-ingest audit --json --against`."""

    exit_code: int
    lost: bool | None
    """None if the audit could not decide."""
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """Deliveries counted by id and by ordinal, without the audit's code."""

    ids: int
    ids_missing: list[str]
    """Ids of 2xx answers that are not in `deliveries`."""
    rows: int
    given_out: int
    """Ordinals given out in the ledger's one life."""
    ordinals_missing: int
    ordinals_doubled: int
    lives: int
    """Lives of the ledger that occur in `deliveries`, the current one included."""
    outcomes: dict[str, int]
    dead_letters: int


@dataclass(frozen=True, slots=True)
class TableDiff:
    """Differences of one table from the expected rows."""

    rows: int
    lacking: int
    """Missing keys, and rows that would change when joined with the expected row."""
    surplus: int
    """Unexpected keys, and rows with more than the expected row."""
    example: str = ""
    """Such a row, and the expected one."""


def audit(environment: dict[str, str], ids: Path) -> AuditResult:
    """Run the audit command as an operator would."""
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("seven-ingest")), "audit", "--json", "--against", str(ids)],
        cwd=ROOT, env={**_inherited(), **environment}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    try:
        answer = json.loads(ran.stdout)
    except ValueError:
        answer = {"said": ran.stderr.strip().splitlines()[-1:]}
    known = ran.returncode in (0, 1) and isinstance(answer.get("lost"), bool)
    return AuditResult(ran.returncode, bool(answer["lost"]) or ran.returncode == 1 if known else None, answer)


def count(engine: Engine, ledger: Ledger, ids: list[str]) -> DeliveryCounts:
    """Count the ids of 2xx answers without a row, and the ordinals without exactly one row."""
    figures = ledger.figures(QUEUES)
    seen = {queue: bytearray(standing.last_ordinal + 1) for queue, standing in figures.queues.items()}
    open_ids, lives, outcomes, rows = set(ids), {figures.life or ""}, dict[str, int](), 0
    id_count = len(open_ids)
    for row in _rows(engine, "deliveries", ("id", "queue", "ledger", "ordinal", "outcome")):
        rows += 1
        open_ids.discard(row["id"])
        lives.add(row["ledger"])
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
        seen_ordinals = seen[row["queue"]]
        if row["ledger"] == figures.life and row["ordinal"] < len(seen_ordinals):
            seen_ordinals[row["ordinal"]] = min(2, seen_ordinals[row["ordinal"]] + 1)
    with engine.connect().execution_options(reads=True) as connection:
        letters = select(func.count()).select_from(metadata.tables[f"{SCHEMA}.{DeadLetter.table}"])
        dead = int(connection.execute(letters).scalar_one())
    return DeliveryCounts(
        ids=id_count,
        ids_missing=sorted(open_ids),
        rows=rows,
        given_out=sum(len(seen_ordinals) - 1 for seen_ordinals in seen.values()),
        ordinals_missing=sum(seen_ordinals[1:].count(0) for seen_ordinals in seen.values()),
        ordinals_doubled=sum(seen_ordinals.count(2) for seen_ordinals in seen.values()),
        lives=len(lives),
        outcomes=outcomes,
        dead_letters=dead,
    )


def compare(engine: Engine, truth: dict[type[Record], Rows]) -> dict[str, TableDiff]:
    """Compare every table of records with its expected rows."""
    return {
        kind.table: _compare(engine, kind, rows) for kind, rows in sorted(truth.items(), key=lambda pair: pair[0].table)
    }


def _compare(engine: Engine, kind: type[Record], truth: Rows) -> TableDiff:
    """Compare by the records' own join: what the expected row adds is lacking, what it does not have is surplus."""
    rows = lacking = surplus = 0
    example = ""
    keys: set[Any] = set()
    for row in _rows(engine, kind.table, tuple(field.name for field in fields(kind))):
        rows += 1
        record = kind(**row)
        expected = truth.get(record.key)
        keys.add(record.key)
        if expected is None:
            surplus += 1
        elif record != expected:
            joined = record.merge(expected)
            lacking += joined != record
            surplus += joined != expected
        if surplus and not example:
            example = f"{record} instead of {expected}"
    lacking += len(truth.keys() - keys)
    return TableDiff(rows, lacking, surplus, example)


def _rows(engine: Engine, table: str, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    columns = metadata.tables[f"{SCHEMA}.{table}"].c
    with engine.connect().execution_options(reads=True, yield_per=FETCH_SIZE) as connection:
        for row in connection.execute(select(*(columns[name] for name in names))):
            yield dict(zip(names, row, strict=True))


def _inherited() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("SEVEN_", "REDIS_", "DATABASE_"))}
