"""Exclusive lock: locks tables for a migration without stopping those who read and write them for long.

While a migration waits for a reader, as a backup, all writers wait behind it. So it waits briefly, with pauses between.
"""

import time
from collections.abc import Iterable

from alembic.util.exc import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from store.schema import SCHEMA

ATTEMPTS = 120
PATIENCE = "2s"
PAUSE_S = 1
_LOCK_NOT_AVAILABLE, _DEADLOCK = "55P03", "40P01"


def lock_exclusively(connection: Connection, relations: Iterable[str]) -> None:
    """Lock tables and views of PostgreSQL until this transaction ends: all or none, so that none deadlocks with a part.

    Migrations share a transaction unless one ends it (`store/beside_traffic.py`): the first locks for all of them.

    Raises CommandError where another transaction keeps one of them for minutes.
    """
    names = ", ".join(f"{SCHEMA}.{name}" for name in relations)
    for _ in range(ATTEMPTS):
        try:
            with connection.begin_nested():
                connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
                connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in (_LOCK_NOT_AVAILABLE, _DEADLOCK):
                raise
            time.sleep(PAUSE_S)
        else:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            return
    raise CommandError(f"another transaction keeps {names} locked: end it, then migrate again")
