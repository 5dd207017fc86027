"""Partitions: on PostgreSQL, tables that grow for ever have one partition per week, so that old rows slow nothing.

The indexes of a week stay small enough for memory, and an expired week is dropped at once instead of row by row. Weeks
begin on Mondays, UTC. `<table>_20261130` holds the week that begins then, `<table>_until_20261130` the rows from before
the table was partitioned, `<table>_rest` everything else: a foreign id, a time of a wrong clock, a week without a
partition. Only speed depends on the partitions, correctness does not.
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
"""Weeks that have a partition in advance: so long, retention may stand still."""
BEHIND = 104
"""Weeks back in which a hole is looked for: a program whose clock was wrong may have left partitions of any year."""
PATIENCE_MS = 1000
"""The wait for a lock: later transactions queue behind ours."""

PARTITIONED = [table for table in metadata.sorted_tables if table.dialect_options["postgresql"].get("partition_by")]

_IMPATIENT = text(f"SET LOCAL lock_timeout = {PATIENCE_MS}; SET LOCAL statement_timeout = {5 * PATIENCE_MS}")
_BUSY = {"55P03", "57014", "40P01"}  # lock not available, took too long, deadlock
# The rest just got rows of that week, another process just created it, no privilege, other objects depend on it.
_IMPOSSIBLE = {"23514", "42P07", "42501", "2BP01"}
_DEFAULT_GRANTS = text(
    "SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', pg_class.oid::regclass,"
    " CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END)"
    " FROM pg_class, aclexplode(relacl) AS acl WHERE pg_class.oid = to_regclass(:name) AND acl.grantee <> relowner"
)
_ESTIMATED_ROWS = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
_COLUMNS = text(  # an older version of ours moves the columns of a newer one, too
    "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
    " WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped"
)
_PARTITIONS = text(
    "SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid"
    " WHERE inhparent = to_regclass(:table) ORDER BY child.relname"
)

log = logger("seven.workers")


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition, with the range of times of its rows."""

    name: str
    since: datetime | None
    """Inclusive; None if it holds all rows older than `until`."""
    until: datetime | None
    """Exclusive; None for the rest."""


def monday(at: datetime) -> datetime:
    """The beginning of the week of a time."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def partitions(connection: Connection, table: Table) -> list[Partition]:
    """The partitions of a table; empty on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    return [
        _partition(table, name)
        for name in connection.execute(_PARTITIONS, {"table": f"{SCHEMA}.{table.name}"}).scalars()
    ]


def holes(connection: Connection, table: Table, now: datetime) -> list[datetime]:
    """The weeks whose rows are in the rest, or will be, though later ones have a partition, or have begun.

    A past week without rows is none: its partition may have been dropped. Empty on SQLite.
    """
    return _holes(connection, table, partitions(connection, table), monday(now))


def _holes(connection: Connection, table: Table, existing: list[Partition], this_week: datetime) -> list[datetime]:
    if not (starts := {part.since for part in existing if part.since}):
        return []
    until = min(max(*starts, this_week - WEEK), this_week + AHEAD * WEEK)
    first = max(filter(None, (min(starts), _unpartitioned_until(existing), this_week - BEHIND * WEEK)))
    missing = (week for week in _weeks(first, until) if week not in starts)
    return [week for week in missing if week >= this_week or _in_rest(connection, table, week)]


def provided_until(connection: Connection) -> datetime | None:
    """The end of the last week for which every table has a partition; None if a table has none."""
    ends = [
        max((partition.until for partition in partitions(connection, table) if partition.until), default=None)
        for table in PARTITIONED
    ]
    return None if None in ends else min(filter(None, ends))


def provide(connection: Connection, table: Table, now: datetime, *, patient: bool = False) -> list[str]:
    """Create the missing partitions of this week and the next ones, and of earlier holes. Returns their names.

    Rows of such a week that are in the rest, of a wrong clock, move into it. The wait for a lock is short: the next
    call continues. So it does where there are many such rows, unless `patient`: their writers wait so long.
    """
    existing = partitions(connection, table)
    names = {partition.name for partition in existing}
    unpartitioned_until = _unpartitioned_until(existing)
    created = []
    coming = _weeks(monday(now), monday(now) + AHEAD * WEEK)
    for start in sorted({*coming, *_holes(connection, table, existing, monday(now))}):
        name = f"{table.name}_{start:%Y%m%d}"
        if existing and name not in names and (unpartitioned_until is None or start >= unpartitioned_until):
            if _create(connection, table, name, start, patient):
                created.append(name)
            else:
                log.warning("partition not created", table=table.name, week=f"{start:%Y-%m-%d}")
    return created


def drop_past(connection: Connection, table: Table, before: datetime, *, only_empty: bool = False) -> int | None:
    """Drop the oldest partition that ends before then; with `only_empty`, the oldest empty one.

    Returns its number of rows by the database's estimate; None without such a partition, or if another transaction or a
    dependent object prevents it. Drop one per transaction: until its end all writers wait.
    """
    for partition in partitions(connection, table):
        if partition.until and partition.until <= before:
            try:
                with connection.begin_nested():
                    rows = _drop(connection, table, partition.name, only_empty)
            except DBAPIError as error:
                if sqlstate(error) not in _BUSY | _IMPOSSIBLE:
                    raise
                log.warning("partition not dropped", table=table.name, partition=partition.name, cause=sqlstate(error))
                return None
            if rows is not None:
                return rows
    return None


def _weeks(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += WEEK


def _unpartitioned_until(existing: list[Partition]) -> datetime | None:
    return max((part.until for part in existing if part.since is None and part.until), default=None)


def _week_in(table: Table, start: datetime) -> str:
    """The condition that a row is of this week."""
    key = "id" if table is deliveries else "at"
    return f"{key} >= {_bound(table, start)} AND {key} < {_bound(table, start + WEEK)}"


def _in_rest(connection: Connection, table: Table, start: datetime) -> bool:
    query = f"SELECT EXISTS (SELECT FROM {SCHEMA}.{table.name}_rest WHERE {_week_in(table, start)})"  # noqa: S608 - our own words
    with suppress(DBAPIError), connection.begin_nested():  # no privilege: then no hole is known
        return bool(connection.execute(text(query)).scalar_one())
    return False


def _move_from_rest(connection: Connection, table: Table, name: str, start: datetime) -> None:
    """Move a week's rows into its new partition, before it is attached; until then nobody writes to the rest."""
    connection.execute(text(f"LOCK TABLE {SCHEMA}.{table.name}_rest IN SHARE ROW EXCLUSIVE MODE"))
    columns = connection.execute(_COLUMNS, {"name": f"{SCHEMA}.{name}"}).scalar_one()
    moved = f"DELETE FROM {SCHEMA}.{table.name}_rest WHERE {_week_in(table, start)} RETURNING {columns}"  # noqa: S608 - our own words
    into = f"INSERT INTO {SCHEMA}.{name} ({columns}) SELECT {columns} FROM moved"  # noqa: S608 - our own words
    connection.execute(text(f"WITH moved AS ({moved}) {into}"))


def _partition(table: Table, name: str) -> Partition:
    """Read the range from our naming scheme; a partition with another name has no known range, and is left alone."""
    match = re.fullmatch(rf"{table.name}_(until_)?(\d{{8}})", name)
    with suppress(ValueError):
        if match:
            day = datetime.strptime(match[2], "%Y%m%d").replace(tzinfo=UTC)
            return Partition(name, None, day) if match[1] else Partition(name, day, day + WEEK)
    return Partition(name, None, None)


def _bound(table: Table, at: datetime) -> str:
    return f"'{first_id(at)}'" if table is deliveries else f"'{at.isoformat()}'"


def _create(connection: Connection, table: Table, name: str, start: datetime, patient: bool) -> bool:
    """Create a partition, and attach it: that blocks no writers, as CREATE TABLE … PARTITION OF would."""
    bounds = f"FROM ({_bound(table, start)}) TO ({_bound(table, start + WEEK)})"
    try:
        with connection.begin_nested():
            connection.execute(_IMPATIENT)
            connection.execute(text(f"CREATE TABLE {SCHEMA}.{name} (LIKE {SCHEMA}.{table.name} INCLUDING DEFAULTS)"))
            # readers go through the table: default privileges must not open a second way
            for revoke in connection.execute(_DEFAULT_GRANTS, {"name": f"{SCHEMA}.{name}"}).scalars().all():
                connection.execute(text(revoke))
            if patient:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            if _in_rest(connection, table, start):
                _move_from_rest(connection, table, name, start)
            connection.execute(
                text(f"ALTER TABLE {SCHEMA}.{table.name} ATTACH PARTITION {SCHEMA}.{name} FOR VALUES {bounds}")
            )
    except DBAPIError as error:
        if sqlstate(error) not in _BUSY | _IMPOSSIBLE:
            raise
        return False
    return True


def _drop(connection: Connection, table: Table, name: str, only_empty: bool) -> int | None:
    """Drop a partition. Returns its number of rows; None if it stays."""
    connection.execute(_IMPATIENT)
    if only_empty and _has_rows(connection, name):
        return None
    rows = 0 if only_empty else _count_rows(connection, name)
    # in the order of the writers: first the table, then its partition
    connection.execute(text(f"LOCK TABLE ONLY {SCHEMA}.{table.name} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"LOCK TABLE {SCHEMA}.{name} IN ACCESS EXCLUSIVE MODE"))
    if only_empty and _has_rows(connection, name):
        return None
    connection.execute(text(f"DROP TABLE {SCHEMA}.{name}"))
    return rows


def _has_rows(connection: Connection, name: str) -> bool:
    return bool(connection.execute(select(_all_rows(name).exists())).scalar_one())


def _count_rows(connection: Connection, name: str) -> int:
    """The database's own estimate; if it has none yet, the rows are few, and are counted."""
    estimate = connection.execute(_ESTIMATED_ROWS, {"name": f"{SCHEMA}.{name}"}).scalar_one()
    if estimate >= 0:
        return int(estimate)
    return int(connection.execute(select(func.count()).select_from(_all_rows(name).subquery())).scalar_one())


def _all_rows(name: str) -> Select[Any]:
    return select(literal_column("1")).select_from(table_clause(name, schema=SCHEMA))
