"""On PostgreSQL a partition for each week of what grows for ever. What is there already becomes one of its own.

Nothing is copied, the rows only read once, to see that they fit. Weeks are made whenever one migrates, and by
retention; here only the rest, for what fits nowhere else.
"""

import time
from datetime import UTC, datetime, timedelta

from alembic import op
from alembic.util.exc import CommandError
from sqlalchemy import Connection, select, table, text
from sqlalchemy.exc import OperationalError

revision = "0005"
down_revision = "0004"

TABLES = {
    "call_statuses": ("at", "direction, call_id, status, at"),
    "deliveries": ("id", "id"),
    "message_statuses": ("at", "msg_id, status, at"),
}
"""Each with the column that tells the week, and its key; in the order in which workers lock them."""

ATTEMPTS = 120
PATIENCE = "2s"
"""All who write wait for us while we wait for who reads: so a little at a time, with a pause between."""

INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'seven' AND tablename = :name"
# What hangs on a table would stay with its old part alone, and nobody would notice.
HANGING = """
    WITH it AS (SELECT * FROM pg_class WHERE oid = to_regclass(:of))
    SELECT 'view ' || view.oid::regclass::text FROM it JOIN pg_depend ON refobjid = it.oid
      JOIN pg_rewrite ON classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = objid
      JOIN pg_class AS view ON view.oid = ev_class
    UNION SELECT 'function ' || objid::regproc::text FROM it JOIN pg_depend ON refobjid = it.oid
           WHERE classid = 'pg_proc'::regclass
    UNION SELECT 'trigger ' || tgname FROM it JOIN pg_trigger ON tgrelid = it.oid WHERE NOT tgisinternal
    UNION SELECT 'foreign key ' || conname FROM it JOIN pg_constraint ON confrelid = it.oid AND contype = 'f'
    UNION SELECT 'publication ' || pubname FROM it JOIN pg_publication_rel ON prrelid = it.oid
            JOIN pg_publication AS told ON told.oid = prpubid
    UNION SELECT 'policy ' || polname FROM it JOIN pg_policy ON polrelid = it.oid
    UNION SELECT 'row security' FROM it WHERE relrowsecurity
    UNION SELECT 'unique index ' || indexrelid::regclass::text FROM it JOIN pg_index ON indrelid = it.oid
           WHERE indisunique AND NOT indisprimary
    ORDER BY 1"""
GRANTS = """
    WITH told AS (
        SELECT '' AS of_column, given.* FROM pg_class AS it, aclexplode(relacl) AS given
         WHERE it.oid = to_regclass(:of) AND grantee <> relowner
        UNION ALL
        SELECT format(' (%I)', attname), given.* FROM pg_class AS it
          JOIN pg_attribute ON attrelid = it.oid, aclexplode(attacl) AS given
         WHERE it.oid = to_regclass(:of) AND grantee <> relowner)
    SELECT format('GRANT %s%s ON %s TO %s%s', privilege_type, of_column, CAST(:to AS text),
                  CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM told"""
REVOKES = """
    SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', it.oid::regclass,
                           CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
      FROM pg_class AS it, aclexplode(relacl) WHERE it.oid = to_regclass(:of) AND grantee <> relowner"""
OWNER = "SELECT quote_ident(tableowner) FROM pg_tables WHERE schemaname = 'seven' AND tablename = :name"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        _lock(connection)
        for name, (column, key) in TABLES.items():
            _partition(connection, name, column, key)


def _lock(connection: Connection) -> None:
    """All of them, or none: whoever holds one and wants another is not in a circle with us."""
    names = ", ".join(f"seven.{name}" for name in TABLES)
    for _ in range(ATTEMPTS):
        try:
            with connection.begin_nested():
                connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
                connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in ("55P03", "40P01"):  # lock not available, deadlock
                raise
            time.sleep(1)
        else:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            return
    raise CommandError(f"somebody reads {names} and does not end: end that, and migrate again")


def _partition(connection: Connection, name: str, column: str, key: str) -> None:
    def run(statement: str) -> None:
        connection.execute(text(statement.replace(":", r"\:")))

    def told(query: str, **what: str) -> list[str]:
        return list(connection.execute(text(query), what).scalars())

    if found := told(HANGING, of=f"seven.{name}"):
        what = ", ".join(found)
        raise CommandError(f"on seven.{name} hangs what would stay with its old part: {what}. Drop, migrate, make anew")
    now = datetime.now(UTC)
    until = (now + timedelta(days=7 - now.weekday())).date()
    old = f"{name}_until_{until:%Y%m%d}"
    bound = f"'{until} 00:00:00+00'" if column == "at" else f"'{_first_id(until.isoformat())}'"
    (owner,) = told(OWNER, name=name)

    indexes = list(connection.execute(text(INDEXES), {"name": name}))
    run(f"ALTER TABLE seven.{name} RENAME TO {old}")
    for index, _ in indexes:
        own = index.replace(name, old) if name in index else f"{old}_{index}"
        run(f'ALTER INDEX seven."{index}" RENAME TO "{own[:63]}"')
    run(f"CREATE TABLE seven.{name} (LIKE seven.{old} INCLUDING DEFAULTS) PARTITION BY RANGE ({column})")
    run(f"ALTER TABLE seven.{name} ADD PRIMARY KEY ({key})")
    for index, definition in indexes:
        if not index.endswith("_pkey"):
            run(definition)
    run(f"CREATE TABLE seven.{name}_rest PARTITION OF seven.{name} DEFAULT")
    for made in (name, f"{name}_rest"):
        run(f"ALTER TABLE seven.{made} OWNER TO {owner}")
        for revoke in told(REVOKES, of=f"seven.{made}"):  # what default privileges have given
            run(revoke)
    for grant in told(GRANTS, of=f"seven.{old}", to=f"seven.{name}"):
        run(grant)
    if connection.execute(select(table(old, schema="seven")).limit(1)).first() is None:
        run(f"DROP TABLE seven.{old}")
        return
    late = f"FROM seven.{old} WHERE {column} >= {bound}"  # by a clock gone wrong
    run(f"INSERT INTO seven.{name}_rest SELECT * {late}")
    run(f"DELETE {late}")
    run(f"ALTER TABLE seven.{name} ATTACH PARTITION seven.{old} FOR VALUES FROM (MINVALUE) TO ({bound})")


def _first_id(day: str) -> str:
    """The least uuid7 of a day."""
    digits = f"{int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}"
