"""On PostgreSQL a partition for each week of what grows for ever. What is there already becomes one of its own.

Nothing is copied, the rows only read once, to see that they fit. Weeks are made whenever one migrates, and by
retention; here only the rest, for what fits nowhere else.
"""

from datetime import UTC, datetime, timedelta

from alembic import op
from alembic.util.exc import CommandError
from sqlalchemy import Connection, select, table, text

revision = "0005"
down_revision = "0004"

TABLES = {"deliveries": ("id", "id"), "message_statuses": ("at", "msg_id, status, at")}
TABLES["call_statuses"] = ("at", "direction, call_id, status, at")
"""Each with the column that tells the week, and its key."""

INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'seven' AND tablename = :name"""
VIEWS = """
    SELECT DISTINCT view.oid::regclass::text FROM pg_depend JOIN pg_rewrite ON pg_rewrite.oid = objid
      JOIN pg_class AS view ON view.oid = ev_class
     WHERE refobjid = to_regclass('seven.' || :name) AND classid = 'pg_rewrite'::regclass"""
GRANTS = """
    SELECT format('GRANT %s ON seven.%I TO %s', told.privilege_type, relname,
                  CASE WHEN told.grantee = 0 THEN 'PUBLIC' ELSE told.grantee::regrole::text END)
      FROM pg_class, aclexplode(relacl) AS told
     WHERE pg_class.oid = to_regclass('seven.' || :name) AND told.grantee <> relowner"""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for name, (column, key) in TABLES.items():
            _partition(connection, name, column, key)


def _partition(connection: Connection, name: str, column: str, key: str) -> None:
    def run(statement: str) -> None:
        connection.execute(text(statement))

    def told(query: str) -> list[str]:
        return list(connection.execute(text(query), {"name": name}).scalars())

    if views := told(VIEWS):  # they would go on reading the old table only
        raise CommandError(f"views read seven.{name}: {', '.join(views)}; drop them, migrate, and create them again")
    grants = told(GRANTS)
    now = datetime.now(UTC)
    until = (now + timedelta(days=7 - now.weekday())).date()
    old = f"{name}_until_{until:%Y%m%d}"
    bound = f"'{until} 00:00:00+00'" if column == "at" else f"'{_first_id(until.isoformat())}'"

    indexes = list(connection.execute(text(INDEXES), {"name": name}))
    run(f"ALTER TABLE seven.{name} RENAME TO {old}")
    for index, _ in indexes:
        run(f"ALTER INDEX seven.{index} RENAME TO {index.replace(name, old)}")
    run(f"CREATE TABLE seven.{name} (LIKE seven.{old} INCLUDING DEFAULTS) PARTITION BY RANGE ({column})")
    run(f"ALTER TABLE seven.{name} ADD PRIMARY KEY ({key})")
    for index, definition in indexes:
        if not index.endswith("_pkey"):
            run(definition)
    for grant in grants:
        run(grant)
    run(f"CREATE TABLE seven.{name}_rest PARTITION OF seven.{name} DEFAULT")
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
