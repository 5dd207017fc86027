"""Partitioning: on PostgreSQL what grows for ever is one table for each week, so that months slow nothing of today.

Indexes of a week stay small enough for memory, and a week that is over is dropped at once instead of row by row. Weeks
begin on Mondays, UTC. `<table>_20261130` holds the week that begins then, `<table>_until_20261130` what was there
before the table was partitioned, `<table>_rest` what fits nowhere: an id that is none of ours, a time of a clock gone
wrong, a week for which nobody has provided. Nothing depends on the weeks being there, only how fast it is.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, func, literal_column, select, text
from sqlalchemy import table as table_clause
from sqlalchemy.exc import DBAPIError

from runtime.logs import logger
from store.archive import first_id
from store.errors import sqlstate
from store.schema import SCHEMA, deliveries, metadata

WEEK = timedelta(weeks=1)
AHEAD = 4
"""Weeks provided for in advance: so long nobody need look."""
PATIENCE_MS = 1000
"""For a lock: whoever comes after us waits behind us."""

PARTITIONED = [one for one in metadata.sorted_tables if one.dialect_options["postgresql"].get("partition_by")]

_IMPATIENT = text(f"SET LOCAL lock_timeout = {PATIENCE_MS}; SET LOCAL statement_timeout = {5 * PATIENCE_MS}")
_IN_THE_WAY = {"55P03", "57014", "40P01"}  # lock not available, took too long, deadlock
# The rest has some of its rows, another process has just made it, no right to, something of somebody's hangs on it.
_NOT_TO_BE_DONE = {"23514", "42P07", "42501", "2BP01"}
_DEFAULT_GRANTS = text(
    "SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', pg_class.oid::regclass,"
    " CASE WHEN told.grantee = 0 THEN 'PUBLIC' ELSE told.grantee::regrole::text END)"
    " FROM pg_class, aclexplode(relacl) AS told WHERE pg_class.oid = to_regclass(:name) AND told.grantee <> relowner"
)
_KNOWN_ROWS = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
_PARTITIONS = text(
    "SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid"
    " WHERE inhparent = to_regclass(:table) ORDER BY child.relname"
)

log = logger("seven.workers")


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a table, with the times of what may be in it."""

    name: str
    since: datetime | None
    """None where it holds all that is older than `until`."""
    until: datetime | None
    """Not in it any more; None for the rest."""


def monday(at: datetime) -> datetime:
    """When its week began."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def partitions(connection: Connection, table: Table) -> list[Partition]:
    """Those of a table. None on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    return [
        _partition(table, name)
        for name in connection.execute(_PARTITIONS, {"table": f"{SCHEMA}.{table.name}"}).scalars()
    ]


def provided_until(connection: Connection) -> datetime | None:
    """By when the last week ends for which every table has a partition; None where one has none."""
    last = [max((one.until for one in partitions(connection, it) if one.until), default=None) for it in PARTITIONED]
    return None if None in last else min(filter(None, last))


def provide(connection: Connection, table: Table, now: datetime) -> list[str]:
    """Make the partitions of this week and those that come, as far as they are not there; returns their names.

    A week of which the rest holds some rows already stays there. Who holds a lock that is needed is not waited for
    long: whoever comes next goes on.
    """
    there = partitions(connection, table)
    begun = max((one.until for one in there if one.since is None and one.until), default=None)
    made = []
    for start in _weeks(now):
        name = f"{table.name}_{start:%Y%m%d}"
        if there and name not in {one.name for one in there} and (begun is None or start >= begun):
            if _provided(connection, table, name, start):
                made.append(name)
            else:
                log.warning("no partition", table=table.name, week=f"{start:%Y-%m-%d}")
    return made


def drop_past(connection: Connection, table: Table, before: datetime, *, only_empty: bool = False) -> int | None:
    """Drop the oldest partition that is wholly from before then, or the oldest of them that is empty.

    Returns how many rows were in it, as far as the database knows; None where there is none, or somebody is in the way.
    One in a transaction: until its end all who write wait.
    """
    for one in partitions(connection, table):
        if one.until and one.until <= before:
            try:
                with connection.begin_nested():
                    rows = _dropped(connection, table, one.name, only_empty)
            except DBAPIError as error:
                if sqlstate(error) not in _IN_THE_WAY | _NOT_TO_BE_DONE:
                    raise
                log.warning("a partition stays", table=table.name, partition=one.name, cause=sqlstate(error))
                return None
            if rows is not None:
                return rows
    return None


def _weeks(now: datetime) -> Iterator[datetime]:
    for number in range(AHEAD + 1):
        yield monday(now) + number * WEEK


def _partition(table: Table, name: str) -> Partition:
    """By its name, if that is one of those we give; of any other nothing is known, and it is left alone."""
    found = re.fullmatch(rf"{table.name}_(until_)?(\d{{8}})", name)
    with suppress(ValueError):
        if found:
            day = datetime.strptime(found[2], "%Y%m%d").replace(tzinfo=UTC)
            return Partition(name, None, day) if found[1] else Partition(name, day, day + WEEK)
    return Partition(name, None, None)


def _bound(table: Table, at: datetime) -> str:
    return f"'{first_id(at)}'" if table is deliveries else f"'{at.isoformat()}'"


def _provided(connection: Connection, table: Table, name: str, start: datetime) -> bool:
    """Attaching hinders nobody who writes; creating it in its place would."""
    bounds = f"FROM ({_bound(table, start)}) TO ({_bound(table, start + WEEK)})"
    try:
        with connection.begin_nested():
            connection.execute(_IMPATIENT)
            connection.execute(text(f"CREATE TABLE {SCHEMA}.{name} (LIKE {SCHEMA}.{table.name} INCLUDING DEFAULTS)"))
            # who may read it, may read it through its table: no default privilege opens another way
            for revoke in connection.execute(_DEFAULT_GRANTS, {"name": f"{SCHEMA}.{name}"}).scalars().all():
                connection.execute(text(revoke))
            connection.execute(
                text(f"ALTER TABLE {SCHEMA}.{table.name} ATTACH PARTITION {SCHEMA}.{name} FOR VALUES {bounds}")
            )
    except DBAPIError as error:
        if sqlstate(error) not in _IN_THE_WAY | _NOT_TO_BE_DONE:
            raise
        return False
    return True


def _dropped(connection: Connection, table: Table, name: str, only_empty: bool) -> int | None:
    """How many rows went with it; None where it stays."""
    connection.execute(_IMPATIENT)
    if only_empty and _is_filled(connection, name):
        return None
    rows = 0 if only_empty else _rows(connection, name)
    # as writers lock them: first the table, then its part
    connection.execute(text(f"LOCK TABLE ONLY {SCHEMA}.{table.name} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"LOCK TABLE {SCHEMA}.{name} IN ACCESS EXCLUSIVE MODE"))
    if only_empty and _is_filled(connection, name):
        return None
    connection.execute(text(f"DROP TABLE {SCHEMA}.{name}"))
    return rows


def _is_filled(connection: Connection, name: str) -> bool:
    return bool(connection.execute(select(_some(name).exists())).scalar_one())


def _rows(connection: Connection, name: str) -> int:
    """As counted when the database last looked, or now if it never has: then they are few."""
    known = connection.execute(_KNOWN_ROWS, {"name": f"{SCHEMA}.{name}"}).scalar_one()
    if known >= 0:
        return int(known)
    return int(connection.execute(select(func.count()).select_from(_some(name).subquery())).scalar_one())


def _some(name: str) -> Select[Any]:
    return select(literal_column("1")).select_from(table_clause(name, schema=SCHEMA))
