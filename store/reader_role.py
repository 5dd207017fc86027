"""Reader role: a role of PostgreSQL that can read everything in our schema, and change nothing.

`seven-ingest query` and the console read by it. Its name and password are those of SEVEN_READER_URL. Grafana's role,
`seven_reader` of deploy/grafana/reader.sql, is another: it sees no numbers.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from runtime.database_url import DatabaseServer
from store.advisory_locks import MIGRATION
from store.errors import sqlstate
from store.read_only import is_boundless
from store.schema import SCHEMA

COMMENT = "seven-ingest: reads everything and writes nothing; kept as it should be by `migrate --reader`"
"""Marks a role as made here; no other is touched."""
CONNECTIONS = 20
_FOREIGN = text(
    "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') <> :comment FROM pg_roles WHERE rolname = :role"
)
_RIGHTS = text(
    "SELECT current_user, bool_and(has_schema_privilege(:schema, 'USAGE') AND has_table_privilege(oid, 'SELECT')),"
    " bool_or(has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')) FROM pg_class"
    " WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'p', 'v') AND NOT relispartition"
)
_EXPECTED = ("42501", "0LP01")  # no right to create roles, or to grant
_SETTINGS = {
    "default_transaction_read_only": "on",  # whatever rights it may be given one day
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}
_STATEMENTS = (
    f"ALTER ROLE %I LOGIN CONNECTION LIMIT {CONNECTIONS}",
    *(f"ALTER ROLE %I SET {name} = '{value}'" for name, value in _SETTINGS.items()),
    f"GRANT USAGE ON SCHEMA {SCHEMA} TO %I",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO %I",
    f"ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT SELECT ON TABLES TO %I",  # also for those of later versions
)


@dataclass(frozen=True, slots=True)
class ReaderRights:
    """What the role of SEVEN_READER_URL may do with our tables."""

    role: str
    reads: bool
    writes: bool
    boundless: bool
    """Whether it may do what no transaction refuses: a superuser, for one."""


def reader_rights(engine: Engine) -> ReaderRights:
    """The rights of this engine's own role. Raises SQLAlchemyError if the database does not let it in."""
    with engine.connect().execution_options(snapshot=True) as connection:
        role, reads, writes = connection.execute(_RIGHTS, {"schema": SCHEMA}).one()
        return ReaderRights(role, bool(reads), bool(writes), is_boundless(connection))


def provide_reader(engine: Engine, reader_url: str) -> str | None:
    """Create the role of this URL, or make it again what it should be. Returns why it was left alone, or None.

    A role that was not made here is left alone, and so is any if ours has no right to create roles. Safe to repeat.
    Raises SQLAlchemyError.
    """
    server = DatabaseServer.parse(reader_url)
    if engine.dialect.name != "postgresql" or server.dialect != "postgresql":
        return "SQLite has no roles"
    if not server.username:
        return "SEVEN_READER_URL names no role"
    try:
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION)))
            return _provide(connection, server.username, server.password)
    except DBAPIError as error:
        if sqlstate(error) not in _EXPECTED:
            raise
        return f"the role of DATABASE_URL may not create or change {server.username}"


def _provide(connection: Connection, role: str, password: str | None) -> str | None:
    foreign = connection.execute(_FOREIGN, {"role": role, "comment": COMMENT}).scalar_one_or_none()
    if foreign:
        return f"the role {role} exists, and was not made by `migrate --reader`"
    if foreign is None:
        _run(connection, "CREATE ROLE %I", role)
        _run(connection, "COMMENT ON ROLE %I IS %L", role, COMMENT)
    if password:
        _run(connection, "ALTER ROLE %I PASSWORD %L", role, _verifier(connection, role, password))
    for statement in _STATEMENTS:
        _run(connection, statement, role)
    return None


def _verifier(connection: Connection, role: str, password: str) -> str:
    """What the server stores of the password, computed here: so that no log of the server has the password."""
    driver: Any = connection.connection.dbapi_connection
    verifier: bytes = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return verifier.decode()


def _run(connection: Connection, template: str, *values: str) -> None:
    """Run a statement that takes no parameters; the server quotes names (%I) and texts (%L)."""
    statement = connection.execute(select(func.format(template, *values))).scalar_one()
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
