"""Notification rows: where they are read. Looking makes no file: SQLite has them in reactions.db, if there are any."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event, inspect
from sqlalchemy.pool import NullPool

from store.engine import sqlite_file
from store.outbox import FILE
from store.read_only import end_after
from store.schema import SCHEMA, notifications

LONGEST_S = 10.0
"""Longest time of reading SQLite's file, which has no timeout of its own."""


@contextmanager
def notification_rows(connection: Connection, longest_s: float = LONGEST_S) -> Iterator[Connection | None]:
    """A connection that reads notifications, given one to the database; None where nothing was ever handed out.

    On PostgreSQL it is the same. Raises SQLAlchemyError.
    """
    database = sqlite_file(connection.engine.url)
    if database is None:
        yield connection
        return
    file = database.with_name(FILE)
    if not file.exists():
        yield None
        return

    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(file))}?mode=ro"
        return sqlite3.connect(address, timeout=longest_s, isolation_level=None, uri=True)

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=NullPool,
        hide_parameters=True,
        execution_options={"schema_translate_map": {SCHEMA: None}},
    )
    event.listen(engine, "connect", lambda driver, _: end_after(driver, longest_s))
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN"))
    with engine.connect() as rows, rows.begin():
        yield rows if inspect(rows).has_table(notifications.name) else None
