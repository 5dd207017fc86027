"""First ids: a function in SQL from a time to the least id of a delivery received then, since ids sort by that time.

`WHERE id >= seven.first_delivery_id('2026-01-01')` reads the partitions since then alone; `WHERE received_at >= …`
reads all of them. On SQLite a function belongs to a connection: ours have `first_delivery_id`, and others write
`printf('%08x-%04x', 1000 * strftime('%s', '2026-01-01') >> 16, 1000 * strftime('%s', '2026-01-01') & 65535)`.
"""

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime

from store.archive import first_id

CREATE = (
    "CREATE OR REPLACE FUNCTION seven.first_delivery_id(at timestamptz) RETURNS text"
    " LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$"
    " SELECT substr(digits, 1, 8) || '-' || substr(digits, 9)"
    " FROM lpad(to_hex(greatest(floor(extract(epoch FROM at) * 1000), 0)::bigint), 12, '0') AS digits $$"
)
"""For PostgreSQL. Of a constant it is computed before partitions are chosen."""
COMMENT = (
    "COMMENT ON FUNCTION seven.first_delivery_id(timestamptz) IS"
    " 'The least id of a delivery received at this time: WHERE id >= seven.first_delivery_id(...) reads later weeks'"
)


def add_first_delivery_id(connection: sqlite3.Connection) -> None:
    """Add the function to a connection of SQLite. Of what is no time in ISO form it is NULL."""
    connection.create_function("first_delivery_id", 1, _of_text, deterministic=True)


def _of_text(at: object) -> str | None:
    with suppress(ValueError, OverflowError):
        if isinstance(at, str):
            time = datetime.fromisoformat(at)
            return first_id(time if time.tzinfo else time.replace(tzinfo=UTC))
    return None
