"""Hook spans: when which hooks of ours were seen enabled at the gateway, so when they should have brought what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, case, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from runtime.logs import logger
from seven.digest import short_digest
from seven.hooks import ALL, Hook
from store.database_info import clock
from store.error_reasons import database_reason
from store.schema import hook_spans

log = logger("seven.hooks")

BEFORE = timedelta(hours=1)
"""How long before an event a hook must have been there: the gateway may take a while to use a new one."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of a time, to be asked for many events."""

    rows: Sequence[tuple[str, str | None, datetime, datetime]]
    """Event type, digest of the filter, first and last time."""

    @classmethod
    def since(cls, connection: Connection, since: datetime, account: str) -> "Spans":
        """The spans of an account's hooks that lasted until then or longer."""
        c = hook_spans.c
        query = select(c.event_type, c.filter_digest, c.first_at, c.last_at).where(
            c.account == account, c.last_at >= since - BEFORE
        )
        return cls([tuple(row) for row in connection.execute(query)])

    def cover(self, event_type: str, at: datetime, recipient: str | None) -> bool:
        """Whether a hook of ours that was there an hour before should have brought this event.

        `recipient` is our number, of inbound SMS and calls: a hook with a filter brings those to its number alone.
        """
        digest = None if recipient is None else _digest(recipient)
        return any(
            name in (ALL, event_type) and filtered in (None, digest) and first_at <= at - BEFORE <= last_at
            for name, filtered, first_at, last_at in self.rows
        )


def write_spans(engine: Engine, hooks: Iterable[Hook], account: str, succeeds: str = "") -> None:
    """Note that these hooks of ours, and no others, are there now. Without the database the next read notes it.

    A hook that no read saw gone or disabled was there all the time, however long nobody looked. If the account
    `succeeds` another one that had one of these hooks, what that one saw is its own.
    """
    enabled = [hook for hook in hooks if hook.enabled and hook.id is not None]
    c = hook_spans.c
    try:
        with engine.begin() as connection:
            now = clock(connection)
            if succeeds:
                _take_over(connection, [hook.id for hook in enabled], account, succeeds)
            gone = (c.account == account) & c.closed_at.is_(None) & c.hook_id.not_in([hook.id for hook in enabled])
            connection.execute(update(hook_spans).where(gone).values(closed_at=now))
            for hook in enabled:
                _write(connection, hook, account, now)
    except SQLAlchemyError as error:
        log.warning("hooks seen are not stored", cause=database_reason(error))


def _take_over(connection: Connection, hook_ids: Sequence[str | None], account: str, succeeds: str) -> None:
    theirs = hook_spans.c.account == succeeds
    same = select(hook_spans.c.hook_id).where(theirs, hook_spans.c.hook_id.in_(hook_ids)).limit(1)
    if connection.execute(same).first():
        connection.execute(update(hook_spans).where(theirs).values(account=account))


def _write(connection: Connection, hook: Hook, account: str, now: datetime) -> None:
    c = hook_spans.c
    digest = _digest(hook.event_filter) if hook.event_filter else None
    open_ = (c.hook_id == hook.id) & (c.account == account) & c.closed_at.is_(None)
    same = open_ & (c.event_type == hook.event_type) & c.filter_digest.is_not_distinct_from(digest)
    connection.execute(update(hook_spans).where(open_, ~same).values(closed_at=now))
    last_at = case((c.last_at > now, c.last_at), else_=now)
    if not connection.execute(update(hook_spans).where(same).values(last_at=last_at)).rowcount:
        span = {"hook_id": hook.id, "account": account, "event_type": hook.event_type, "filter_digest": digest}
        connection.execute(insert(hook_spans).values(**span, first_at=now, last_at=now))


def _digest(number: str) -> str:
    """The same for a number of ours with and without a plus."""
    return short_digest(number.strip().lstrip("+"))
