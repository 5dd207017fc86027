"""Comments: what the schema says of its tables, columns and indexes, shown by PostgreSQL beside them.

`migrate` sets those that differ, so a change of words needs no migration. SQLite has none; docs/tables.md has the same
for both.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from store.schema import SCHEMA, metadata
from store.views import COLUMN_COMMENTS, COMMENTS

Comment = tuple[str, str, str]
"""The kind of an object in SQL, its name, and what is said of it."""

_PRESENT = text(
    "SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' ELSE 'TABLE' END, relname,"
    " NULL, obj_description(pg_class.oid, 'pg_class') FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace)"
    " AND relkind IN ('r', 'p', 'v', 'i', 'I') UNION ALL "
    "SELECT 'COLUMN', relname, attname, col_description(attrelid, attnum) FROM pg_attribute"
    " JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = CAST(:schema AS regnamespace)"
    " AND relkind IN ('r', 'p', 'v') AND attnum > 0 AND NOT attisdropped"
)


def comments() -> Iterator[Comment]:
    """Everything that has a comment; a column is named `table.column`. Their words are ASCII, for any encoding."""
    return ((kind, name, words.replace("…", "...")) for kind, name, words in _comments())


def _comments() -> Iterator[Comment]:
    for table in metadata.sorted_tables:
        yield "TABLE", table.name, table.comment or ""
        yield from (("COLUMN", f"{table.name}.{column.name}", column.comment or "") for column in table.columns)
        yield from (("INDEX", str(index.name), index.info["comment"]) for index in table.indexes)
    for view, columns in COLUMN_COMMENTS.items():
        yield "VIEW", view, COMMENTS[view]
        yield from (("COLUMN", f"{view}.{name}", comment) for name, comment in columns.items())


def set_comments(connection: Connection) -> None:
    """Set the comments that differ, on PostgreSQL. Locks no reader or writer; an object that is missing has none."""
    if connection.dialect.name != "postgresql":
        return
    present = {
        (kind, name if column is None else f"{name}.{column}"): comment
        for kind, name, column, comment in connection.execute(_PRESENT, {"schema": SCHEMA})
    }
    for kind, name, comment in comments():
        if present.get((kind, name), comment) != comment:
            quoted = comment.replace("'", "''").replace(":", r"\:")
            connection.execute(text(f"COMMENT ON {kind} {SCHEMA}.{name} IS '{quoted}'"))
