"""Hook spans: when which hooks of ours were seen enabled at the gateway, so when they should have brought what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from runtime.logs import logger
from seven.digest import short_digest
from seven.hooks import ALL, Hook
from store.database_info import clock
from store.error_reasons import database_reason
from store.schema import hook_spans

log = logger("seven.hooks")

GAP = timedelta(hours=1)
"""Between two reads that see the same hook; with more between them, nobody knows what was there meanwhile."""
BEFORE = timedelta(hours=1)
"""How long before an event a hook must have been there: the gateway may take a while to use a new one."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of a time, to be asked for many events."""

    rows: Sequence[tuple[str, str | None, datetime, datetime]]
    """Event type, digest of the filter, first and last time."""

    @classmethod
    def since(cls, connection: Connection, since: datetime) -> "Spans":
        """The spans that lasted until then or longer."""
        c = hook_spans.c
        query = select(c.event_type, c.filter_digest, c.first_at, c.last_at).where(c.last_at >= since - BEFORE)
        return cls([tuple(row) for row in connection.execute(query)])

    def cover(self, event_type: str, at: datetime, recipient: str | None) -> bool:
        """Whether a hook of ours that was there an hour before should have brought this event.

        `recipient` is our number, of inbound SMS and calls: a hook with a filter brings those to its number alone.
        """
        digest = None if recipient is None else short_digest(recipient)
        return any(
            name in (ALL, event_type) and filtered in (None, digest) and first_at <= at - BEFORE <= last_at
            for name, filtered, first_at, last_at in self.rows
        )


def write_spans(engine: Engine, hooks: Iterable[Hook]) -> None:
    """Note that these hooks of ours are there now. Without the database it is noted by the next read."""
    enabled = [hook for hook in hooks if hook.enabled and hook.id is not None]
    try:
        with engine.begin() as connection:
            now = clock(connection)
            for hook in enabled:
                _write(connection, hook, now)
    except SQLAlchemyError as error:
        log.warning("hooks seen are not stored", cause=database_reason(error))


def _write(connection: Connection, hook: Hook, now: datetime) -> None:
    c = hook_spans.c
    digest = None if not hook.event_filter else short_digest(hook.event_filter)
    same = (c.hook_id == hook.id) & (c.event_type == hook.event_type) & c.filter_digest.is_not_distinct_from(digest)
    extended = connection.execute(update(hook_spans).where(same, c.last_at >= now - GAP).values(last_at=now))
    if not extended.rowcount:
        span = {"hook_id": hook.id, "event_type": hook.event_type, "filter_digest": digest}
        connection.execute(insert(hook_spans).values(**span, first_at=now, last_at=now))
