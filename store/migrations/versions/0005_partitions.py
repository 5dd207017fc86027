"""On PostgreSQL: weekly partitions for the tables that grow for ever. The existing rows become one partition.

No rows are copied; they are read once, to check their range. `migrate` and retention create the weekly partitions; this
migration creates only the rest, for rows that fit no other partition.
"""

from datetime import UTC, datetime, timedelta

from alembic import op
from alembic.util.exc import CommandError
from sqlalchemy import Connection, select, table, text

from store.exclusive_lock import lock_exclusively

revision = "0005"
down_revision = "0004"

TABLES = {
    "call_statuses": ("at", "direction, call_id, status, at"),
    "deliveries": ("id", "id"),
    "message_statuses": ("at", "msg_id, status, at"),
}
"""Each with its partitioning column and its key; in the order in which workers lock them."""

INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'seven' AND tablename = :name"
# Objects that depend on a table would stay with its old partition only, unnoticed.
DEPENDENTS = """
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
        lock_exclusively(connection, TABLES)
        for name, (column, key) in TABLES.items():
            _partition(connection, name, column, key)


def _partition(connection: Connection, name: str, column: str, key: str) -> None:
    def run(statement: str) -> None:
        connection.execute(text(statement.replace(":", r"\:")))

    def select_texts(query: str, **parameters: str) -> list[str]:
        return list(connection.execute(text(query), parameters).scalars())

    if dependents := ", ".join(select_texts(DEPENDENTS, of=f"seven.{name}")):
        raise CommandError(f"objects that depend on seven.{name}: {dependents}. Drop them, migrate, create them again")
    now = datetime.now(UTC)
    until = (now + timedelta(days=7 - now.weekday())).date()
    old = f"{name}_until_{until:%Y%m%d}"
    bound = f"'{until} 00:00:00+00'" if column == "at" else f"'{_first_id(until.isoformat())}'"
    (owner,) = select_texts(OWNER, name=name)

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
    for created in (name, f"{name}_rest"):
        run(f"ALTER TABLE seven.{created} OWNER TO {owner}")
        for revoke in select_texts(REVOKES, of=f"seven.{created}"):  # granted by default privileges
            run(revoke)
    for grant in select_texts(GRANTS, of=f"seven.{old}", to=f"seven.{name}"):
        run(grant)
    if connection.execute(select(table(old, schema="seven")).limit(1)).first() is None:
        run(f"DROP TABLE seven.{old}")
        return
    late = f"FROM seven.{old} WHERE {column} >= {bound}"  # from a wrong clock
    run(f"INSERT INTO seven.{name}_rest SELECT * {late}")
    run(f"DELETE {late}")
    run(f"ALTER TABLE seven.{name} ATTACH PARTITION seven.{old} FOR VALUES FROM (MINVALUE) TO ({bound})")


def _first_id(day: str) -> str:
    """The least uuid7 of a day."""
    digits = f"{int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}"
