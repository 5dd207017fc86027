"""Fills `messages.delivered_at` from the histories, and where those are gone from the status that stands.

On PostgreSQL in short transactions by the key, each of which does nothing where it was done before. `changed_at` stays:
to its readers that is not news.
"""

from typing import Any

from alembic import op
from sqlalchemy import Connection, text

from store.beside_traffic import in_short_transaction, outside_transaction

revision = "0011"
down_revision = "0010"

ROWS_AT_ONCE = 2000

PAGE = text(  # locked in the order of the key, as workers do
    "SELECT msg_id FROM seven.messages WHERE msg_id > :after ORDER BY msg_id LIMIT :rows FOR NO KEY UPDATE"
)
FILL = text(
    "WITH first AS (SELECT msg_id, min(at) AS at FROM ("
    "   SELECT msg_id, at FROM seven.message_statuses"
    "    WHERE msg_id > :after AND msg_id <= :last AND upper(status) = 'DELIVERED'"
    "   UNION ALL SELECT msg_id, status_at FROM seven.messages"
    "    WHERE msg_id > :after AND msg_id <= :last AND result = 'delivered') AS reported GROUP BY msg_id)"
    " UPDATE seven.messages AS message SET delivered_at = first.at FROM first WHERE message.msg_id = first.msg_id"
    " AND message.msg_id > :after AND message.msg_id <= :last"
    " AND (message.delivered_at IS NULL OR message.delivered_at > first.at)"
)
FILL_SQLITE = text(
    "UPDATE messages SET delivered_at = first.at FROM (SELECT msg_id, min(at) AS at FROM ("
    " SELECT msg_id, at FROM message_statuses WHERE upper(status) = 'DELIVERED'"
    " UNION ALL SELECT msg_id, status_at FROM messages WHERE result = 'delivered') GROUP BY msg_id) AS first"
    " WHERE messages.msg_id = first.msg_id"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(FILL_SQLITE)
        return
    with outside_transaction() as engine:
        after: str | None = ""
        while after is not None:
            after = in_short_transaction(engine, _filler(after))


def _filler(after: str) -> Any:
    """What fills one page; it returns the last key of the page, or None at the end."""

    def fill(connection: Connection) -> str | None:
        keys = connection.execute(PAGE, {"after": after, "rows": ROWS_AT_ONCE}).scalars().all()
        if keys:
            connection.execute(FILL, {"after": after, "last": keys[-1]})
        return keys[-1] if len(keys) == ROWS_AT_ONCE else None

    return fill
