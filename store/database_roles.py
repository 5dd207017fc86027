"""Database roles: what each process may do in PostgreSQL, and no more.

`make acl` writes deploy/postgres/roles.sql from it, which makes the roles. Each migration gives them their rights to
new tables, where they have been made.
"""

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from runtime.logs import logger
from store.error_reasons import database_reason
from store.errors import sqlstate
from store.schema import SCHEMA

log = logger("seven.store")

WORKER = "seven_worker"
ROLES = (WORKER, "seven_dispatcher", "seven_operator")
_NAMES = ", ".join(f"'{role}'" for role in ROLES)

_MAKE = f"""\
-- A role for each process, with the least rights: deploy/operate.md, "Least privilege in PostgreSQL".
-- Written by `make acl`.
--
-- Run it once, after the first migration, as the role that owns the schema and runs `seven-ingest migrate`; later
-- migrations keep the rights as they are here. Safe to repeat:
--   psql -v ON_ERROR_STOP=1 -f roles.sql seven
-- If that role may not create roles, let an administrator run the first statement before.
--
-- Nobody but the owner may create, alter or drop anything, partitions included. The roles have no password yet:
--   psql -c '\\password seven_worker' seven

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[{_NAMES}] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
END $$;

BEGIN;

"""
_GRANT = """\
REVOKE ALL ON ALL TABLES IN SCHEMA seven FROM seven_worker, seven_dispatcher, seven_operator;
GRANT USAGE ON SCHEMA seven TO seven_worker, seven_dispatcher, seven_operator;
GRANT SELECT ON ALL TABLES IN SCHEMA seven TO seven_worker, seven_dispatcher, seven_operator;

-- Workers write what was received, and remove what is too old.
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA seven TO seven_worker;
-- But who was forgotten, and who is notified, is decided elsewhere; and no process says which version the schema has.
REVOKE INSERT, UPDATE, DELETE ON seven.fences, seven.forgotten, seven.reactions FROM seven_worker;
REVOKE INSERT, UPDATE ON seven.notifications FROM seven_worker;
REVOKE INSERT, UPDATE, DELETE ON seven.seven_ingest_version FROM seven_worker;

-- The dispatcher reads records, and keeps what it sends to whom. `changes` are also how health and heartbeats travel.
GRANT INSERT, UPDATE ON seven.changes, seven.reactions TO seven_dispatcher;
GRANT INSERT, UPDATE, DELETE ON seven.notifications TO seven_dispatcher;

-- Commands do all of it, and `forget` alone erases.
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA seven TO seven_operator;
REVOKE INSERT, UPDATE, DELETE ON seven.seven_ingest_version FROM seven_operator;

-- Tables that a migration adds, until its end.
ALTER DEFAULT PRIVILEGES IN SCHEMA seven GRANT SELECT ON TABLES TO seven_worker, seven_dispatcher, seven_operator;
ALTER DEFAULT PRIVILEGES IN SCHEMA seven GRANT INSERT, UPDATE, DELETE ON TABLES TO seven_worker, seven_operator;
"""
# Roles are those of all databases of a server, and may belong to another installation: only those that roles.sql has
# let into this schema are given more. By its list of rights, since a superuser may use every schema.
_MADE_HERE = text(
    "SELECT rolname FROM pg_namespace, aclexplode(nspacl) JOIN pg_roles ON pg_roles.oid = grantee"
    " WHERE nspname = :schema AND privilege_type = 'USAGE'"
)


def made_here(connection: Connection) -> set[str]:
    """Those of the roles that this database has let into its schema. PostgreSQL only."""
    return set(connection.execute(_MADE_HERE, {"schema": SCHEMA}).scalars()).intersection(ROLES)


def renew_rights(engine: Engine) -> None:
    """Give the roles their rights to all tables, if all have been made for this database. PostgreSQL only.

    Where something in the schema belongs to others that gives our role no right, the rights stay as they are.
    """
    try:
        with engine.begin() as connection:
            if made_here(connection) == set(ROLES):
                connection.exec_driver_sql(_GRANT, execution_options={"no_parameters": True})  # several statements
    except DBAPIError as error:
        if sqlstate(error) != "42501":
            raise
        log.warning("the rights of roles stay as they are: run deploy/postgres/roles.sql", cause=database_reason(error))


def roles_file() -> str:
    """deploy/postgres/roles.sql."""
    return f"{_MAKE}{_GRANT}\nCOMMIT;\n"
