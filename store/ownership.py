"""Ownership: whether our role may create and drop the partitions of a table, as PostgreSQL lets its owner alone.

Workers may run by a role that only reads and writes rows (deploy/postgres/roles.sql). Then `migrate` makes the coming
weeks and drops empty ones, and retention removes row by row.
"""

from sqlalchemy import Connection, Table, text

_OWNED = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:table)")


def is_owned(connection: Connection, table: Table) -> bool:
    """Whether our role owns a table, or is a member of the role that does; on SQLite there are no roles."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(_OWNED, {"table": f"{table.schema}.{table.name}"}).scalar())
