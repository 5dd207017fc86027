"""Webhook meter: which webhooks should be here by the journal, and are not; by trusted time.

Late: the gateway may still retry. Missed: beyond its retries. Came: it, or a later status, is here after all.
Uncovered: no hook of ours should have brought it, so nothing counts it. One should that was there an hour before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, tuple_

from gateway.hook_spans import Spans
from operations.journal_presence import Key, here_now, key_of
from seven.journal import JournalRow
from seven.records import MissedWebhook
from store.record_rows import KEYS_AT_ONCE
from store.schema import missed_webhooks

ON_ITS_WAY = timedelta(minutes=15)
"""What happened more recently may still come with its first attempt."""
RETRIES = timedelta(days=3, hours=13)
"""The gateway's last attempt is after three and a half days."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be written, and what of it is missed only now."""

    records: list[MissedWebhook]
    newly_missed: list[Key]


class WebhookMeter:
    """Judges the rows of one pass."""

    def __init__(self, spans: Spans, now: datetime, connections: Iterable[str]) -> None:
        """`connections`: how messages were handed over whose webhooks have come."""
        self._spans, self.now, self._connections = spans, now, frozenset(connections)

    @property
    def connections(self) -> tuple[str, ...]:
        """How messages were handed to the gateway whose webhooks have come."""
        return tuple(sorted(self._connections))

    def knowing(self, connections: Iterable[str]) -> "WebhookMeter":
        """The same, with more of these."""
        return WebhookMeter(self._spans, self.now, self._connections.union(connections))

    def is_due(self, row: JournalRow) -> bool:
        """Whether the webhook of a row should be here by now."""
        at = row.last_event_at
        return row.reports and at is not None and at <= self.now - ON_ITS_WAY

    def is_covered(self, row: JournalRow) -> bool:
        """Whether a hook of ours should have brought it."""
        at, recipient = row.last_event_at, row.data.get("system", row.data.get("agent_id"))
        return at is not None and self._spans.cover(row.hook_type, at, recipient)

    def counts(self, row: JournalRow) -> bool:
        """Whether an absent webhook counts: it is covered, and webhooks of messages sent in this way do come."""
        is_others = self._connections and row.connection is not None and row.connection not in self._connections
        return not is_others and self.is_covered(row)

    def judge(self, connection: Connection, absent: Sequence[JournalRow]) -> Judged:
        """Judge rows whose webhook is not here."""
        records = [self._record(row) for row in absent]
        return _judged(_entries(connection, [key_of(row) for row in absent]).values(), records)

    def judge_here(self, connection: Connection, here: Iterable[Key]) -> Judged:
        """Judge webhooks that are here: those that were late or missed before came after all."""
        came = [record for record in _entries(connection, here).values() if record.state in ("late", "missed")]
        return Judged([self._arrived(record) for record in came], [])

    def is_over(self, entry: MissedWebhook) -> bool:
        """Whether the gateway does not retry any more."""
        return entry.journal_at is not None and entry.journal_at < self.now - RETRIES

    def judge_awaited(self, connection: Connection, entries: Sequence[MissedWebhook], arrived: set[Key]) -> Judged:
        """Judge late and missed webhooks of which no row may have been read in this pass.

        Those that are here now have come, as those known to have `arrived`; of the others those that are over are
        missed.
        """
        keys = here_now(connection, entries).union(arrived)
        over = [replace(entry, state="missed") for entry in entries if entry.key not in keys and self.is_over(entry)]
        return _judged(entries, [*over, *(self._arrived(entry) for entry in entries if entry.key in keys)])

    def _arrived(self, entry: MissedWebhook) -> MissedWebhook:
        return MissedWebhook(entry.event_type, entry.id, entry.status, came_at=self.now, state="came")

    def _record(self, row: JournalRow) -> MissedWebhook:
        at = row.last_event_at or self.now
        state = "missed" if at < self.now - RETRIES else "late"
        state = state if self.counts(row) else "uncovered"
        return MissedWebhook(*key_of(row), found_at=self.now, journal_at=at, state=state)


def awaited(connection: Connection, since: datetime, after: tuple[str, ...] | None, limit: int) -> list[MissedWebhook]:
    """Webhooks that are late, or missed of what happened since then, in the order of their keys: a page of them."""
    c = missed_webhooks.c
    query = select(missed_webhooks).where((c.state == "late") | ((c.state == "missed") & (c.journal_at >= since)))
    if after is not None:
        query = query.where(tuple_(c.event_type, c.id, c.status) > tuple_(*after))
    page = query.order_by(c.event_type, c.id, c.status).limit(limit)
    return [MissedWebhook(**row) for row in connection.execute(page).mappings()]


def forget_earlier(connection: Connection, records: Sequence[MissedWebhook]) -> None:
    """Remove late entries of an earlier status of the same messages and calls: only the last one is missed."""
    c, kept = missed_webhooks.c, {record.key for record in records}
    for event_type, ids in _by_type((record.event_type, record.id) for record in records if record.status):
        keys = select(c.event_type, c.id, c.status).where(
            c.event_type == event_type, c.id.in_(ids), c.state.in_(("late", "uncovered"))
        )
        for key in [tuple(key) for key in connection.execute(keys) if tuple(key) not in kept]:
            connection.execute(
                delete(missed_webhooks).where(c.event_type == key[0], c.id == key[1], c.status == key[2])
            )


def recorded_as_missed(connection: Connection, keys: Iterable[Key]) -> list[Key]:
    """Those of the keys whose webhooks are on record as missed, or came after all."""
    return [key for key, entry in _entries(connection, keys).items() if entry.state in ("missed", "came")]


def _entries(connection: Connection, keys: Iterable[Key]) -> dict[Key, MissedWebhook]:
    """The entries with these keys, by ids: PostgreSQL takes half a second to plan a list of whole keys."""
    wanted, c = set(keys), missed_webhooks.c
    entries: dict[Key, MissedWebhook] = {}
    for event_type, ids in _by_type((event_type, id_) for event_type, id_, _ in wanted):
        query = select(missed_webhooks).where(c.event_type == event_type, c.id.in_(ids))
        for row in connection.execute(query).mappings():
            entry = MissedWebhook(**row)
            if (key := key_of_entry(entry)) in wanted:
                entries[key] = entry
    return entries


def _by_type(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    ids: dict[str, set[str]] = defaultdict(set)
    for event_type, id_ in pairs:
        ids[event_type].add(id_)
    for event_type, of_type in ids.items():
        ordered = sorted(of_type)
        for start in range(0, len(ordered), KEYS_AT_ONCE):
            yield event_type, ordered[start : start + KEYS_AT_ONCE]


def _judged(before: Iterable[object], records: list[MissedWebhook]) -> Judged:
    states = {record.key: record.state for record in before if isinstance(record, MissedWebhook)}
    missed = (record for record in records if record.state == "missed")
    newly = {key_of_entry(record) for record in missed if states.get(record.key) not in ("missed", "came")}
    return Judged(records, sorted(newly))


def key_of_entry(entry: MissedWebhook) -> Key:
    """What identifies the webhook of an entry."""
    return entry.event_type, entry.id, entry.status
