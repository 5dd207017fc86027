"""Purge notes: removes old rows of what this program noted itself, as `store/purge.py` does those of what came."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, or_, select, tuple_

from seven.digest import DIGEST_LENGTH
from seven.topics import HEALTH
from store.archive import first_id
from store.check_standings import read_standings
from store.purge_step import ROWS_AT_ONCE, Step, last_of_full, limited
from store.record_rows import among
from store.schema import SCHEMA, changes, hook_changes, hook_spans, missed_webhooks, notifications


def remove_hook_changes(connection: Connection, before: datetime) -> Step:
    """Remove hook changes from before then."""
    c = hook_changes.c
    old = select(c.id).where(c.id < first_id(before), c.at < before).order_by(c.id)
    ids = connection.execute(limited(old)).scalars().all()
    if not ids:
        return Step()
    removed = connection.execute(delete(hook_changes).where(c.id.in_(ids))).rowcount
    return Step({hook_changes.name: removed}, resume_after=last_of_full(ids))


def remove_journal_entries(connection: Connection, before: datetime) -> Step:
    """Remove what the journal said of times before then, and hooks that were last seen before then."""
    return _remove(
        connection, {missed_webhooks: missed_webhooks.c.journal_at < before, hook_spans: hook_spans.c.last_at < before}
    )


def remove_derived_ids(connection: Connection, before: datetime) -> Step:
    """Remove missed webhooks from before then whose id is a digest of a person's number: `forget` may not find them."""
    c = missed_webhooks.c
    is_digest = func.length(c.id) == DIGEST_LENGTH
    return _remove(connection, {missed_webhooks: and_(c.journal_at < before, is_digest)})


def remove_notifications(connection: Connection, before: datetime) -> Step:
    """Remove notifications from before then that no dispatcher has removed; SQLite has them in a file of its own.

    Rights that an older version granted do not allow it.
    """
    may_delete = func.has_table_privilege(f"{SCHEMA}.{notifications.name}", "DELETE")
    if connection.dialect.name == "sqlite" or not connection.scalar(select(may_delete)):
        return Step()
    c, key = notifications.c, list(notifications.primary_key)
    waits = and_(c.due_at.is_not(None), c.noted_at < before)
    old = select(*key).where(or_(c.settled_at < before, waits)).limit(ROWS_AT_ONCE)
    removed = connection.execute(delete(notifications).where(tuple_(*key).in_(old))).rowcount
    return Step(resume_after="more" if removed == ROWS_AT_ONCE else None)


def remove_changes(connection: Connection, before: datetime) -> Step:
    """Remove changes that were noted before then, but for how each check of this installation stands."""
    c = changes.c
    old = select(c.seq, c.topic, c.key).where(c.noted_at < before).order_by(c.noted_at)
    rows = connection.execute(limited(old)).all()
    standings = read_standings(connection, {row.key for row in rows if row.topic in HEALTH})
    standing = {seq for seq, _ in standings.values()}
    seqs = [row.seq for row in rows if row.seq not in standing]
    if not seqs:
        return Step()
    removed = connection.execute(delete(changes).where(c.seq.in_(seqs))).rowcount
    return Step({changes.name: removed}, resume_after=last_of_full([row.seq for row in rows]))


def _remove(connection: Connection, rows: Mapping[Table, ColumnElement[bool]]) -> Step:
    """Remove these rows by their keys, some of each table."""
    removed = {}
    for table, condition in rows.items():
        keys = [tuple(key) for key in connection.execute(limited(select(*table.primary_key).where(condition)))]
        if keys:
            removed[table.name] = connection.execute(delete(table).where(among(list(table.primary_key), keys))).rowcount
    is_full = any(number == ROWS_AT_ONCE for number in removed.values())
    return Step(removed, resume_after="more" if is_full else None)
