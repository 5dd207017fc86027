"""PostgreSQL databases with the current schema, lent to one test after the other.

Copying one takes half a second, emptying it a few milliseconds. A database whose schema, settings or statistics a test
changed, or that is still connected to, is not lent again.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests.servers import Postgres

_CATALOGS = (
    "pg_class", "pg_attribute", "pg_attrdef", "pg_type", "pg_proc", "pg_namespace", "pg_constraint", "pg_index",
    "pg_trigger", "pg_inherits", "pg_rewrite", "pg_policy", "pg_description", "pg_extension", "pg_default_acl",
    "pg_statistic", "pg_statistic_ext", "pg_partitioned_table", "pg_largeobject_metadata", "pg_event_trigger",
)  # fmt: skip
_STATE = (
    # whatever a transaction creates or alters is newer than all before; whatever it drops is missing
    " UNION ALL ".join(f"SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM {name}" for name in _CATALOGS)
    # a VACUUM alters these without a transaction
    + " UNION ALL SELECT sum(relpages), sum(reltuples)::bigint FROM pg_class WHERE relnamespace = 'seven'::regnamespace"
    + " UNION ALL SELECT count(*), 0 FROM pg_db_role_setting JOIN pg_database ON setdatabase = pg_database.oid"
    " WHERE datname = current_database()"
    " UNION ALL SELECT xmin::text::bigint, 0 FROM pg_database WHERE datname = current_database()"
    " UNION ALL SELECT version_num::bigint, xmin::text::bigint FROM seven.seven_ingest_version"
)
_IN_USE = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)
_FILLED = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'seven'::regnamespace AND relkind = 'r'"
    " AND relname <> 'seven_ingest_version' AND pg_relation_size(oid) > 0"
)

_State = list[tuple[int, int]]


class Databases:
    """Copies of a database that has the current schema and no connections."""

    def __init__(self, server: Postgres, original: str) -> None:
        self._server, self._original = server, original
        self._idle: deque[tuple[str, _State]] = deque()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of a database without rows, for the length of a block."""
        url, state = self._emptied() or self._new()
        yield url
        self._idle.append((url, state))

    def _emptied(self) -> tuple[str, _State] | None:
        """One that a test has used, without its rows."""
        for _ in range(len(self._idle)):
            url, state = self._idle.popleft()
            with psycopg.connect(url, autocommit=True) as connection:
                if connection.execute(_IN_USE).fetchone() != (0,):
                    self._idle.append((url, state))
                elif _state(connection) == state:
                    _empty(connection)
                    return url, _state(connection)
        return None

    def _new(self) -> tuple[str, _State]:
        url = self._server.database(like=self._original)
        with psycopg.connect(url, autocommit=True) as connection:
            return url, _state(connection)


def _state(connection: "psycopg.Connection[tuple[int, int]]") -> _State:
    return connection.execute(_STATE).fetchall()


def _empty(connection: "psycopg.Connection[tuple[str]]") -> None:
    if names := [sql.Identifier("seven", name) for (name,) in connection.execute(_FILLED)]:
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))
