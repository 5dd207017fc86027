"""Journal presence: whether the webhook of a journal's row is here, whatever became of it.

A status is here if it is in the history, which only webhooks write. An inbound SMS or call is here if its row is,
unless the journal alone made it. What was not applied is searched by the ids in its payload.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from operations.journal_comparison import record_of_row, row_keys
from seven.archive_records import ArchivedDelivery
from seven.delivery import Payload
from seven.envelope import Envelope
from seven.errors import NotUnderstood, UnreadableEnvelope
from seven.journal import JOURNAL, JOURNALED, STATUSES, JournalRow
from seven.record import Record
from seven.records import Call, InboundMessage, Message, MissedWebhook
from store.archive import first_id
from store.projection_options import NO_OPTIONS
from store.record_rows import RowKey, read_records
from store.schema import NOT_APPLIED, call_statuses, deliveries, message_receipts, message_statuses, tallies

MOST_UNAPPLIED = 20_000
"""Deliveries that were not applied, the latest, that are searched."""
_PAGE = 200
_IN_LIST_OF_SMS = {True: "dlr", False: "sms_mo"}
"""The list with what is sent and received by RCS: receipts have a `msg_id`."""
_BY_READING = ("read", "delivered")
"""Statuses that are here if the message was read."""
Key = tuple[str, str, str]
"""Event type, id, and status; the status is empty for what has none."""


_HISTORIES = {
    "dlr": (message_statuses, "msg_id"),
    "voice_status": (call_statuses, "call_id"),
}


def key_of(row: JournalRow) -> Key:
    """What identifies the webhook of a row."""
    return row.event_type, row.id, row.status or ""


def unapplied_ids(connection: Connection, since: datetime) -> frozenset[tuple[str, str]]:
    """Event type and id of every delivery since then that was received and not applied."""
    c = deliveries.c
    query = select(c.id, c.event_type, c.received_at, c.request_method, c.payload, c.reason)
    was_received = c.request_method.is_distinct_from(JOURNAL)
    latest = query.where(
        NOT_APPLIED, c.id >= first_id(since), c.received_at >= since, c.payload.is_not(None), was_received
    )
    in_order = latest.order_by(c.id.desc()).limit(MOST_UNAPPLIED)
    rows = connection.execution_options(yield_per=_PAGE).execute(in_order).mappings()
    return frozenset(pair for row in rows if (pair := _pair(ArchivedDelivery(**row))))


def _pair(row: ArchivedDelivery) -> tuple[str, str] | None:
    try:
        payload = Payload.of(Envelope.archived(row).fields, row.event_type)
    except (NotUnderstood, UnreadableEnvelope):
        return None
    id_ = payload.fields.get("msg_id", payload.fields.get("id"))
    event_type = _IN_LIST_OF_SMS.get("msg_id" in payload.fields) if payload.event_type == "rcs" else payload.event_type
    is_id = event_type in JOURNALED and isinstance(id_, str | int) and not isinstance(id_, bool)
    return (event_type or "", str(id_)) if is_id else None


def present(
    connection: Connection, rows: Sequence[JournalRow], unapplied: frozenset[tuple[str, str]], received_at: datetime
) -> set[Key]:
    """Of rows of one event type, those whose webhook is here."""
    here = {key_of(row) for row in rows if (row.event_type, row.id) in unapplied}
    with_status = [row for row in rows if row.status is not None]
    here.update(_in_history(connection, with_status))
    without = [row for row in rows if row.status is None]
    here.update(_as_rows(connection, without, received_at))
    return here


def here_now(connection: Connection, entries: Sequence[MissedWebhook]) -> set[tuple[object, ...]]:
    """The keys of entries whose webhook, or that of a later status, is here by now, by their ids alone."""
    here: set[tuple[object, ...]] = set()
    for event_type in _HISTORIES:
        of_type = [entry for entry in entries if entry.event_type == event_type]
        reported = _reported(connection, event_type, [entry.id for entry in of_type])
        here |= {entry.key for entry in of_type if _is_reached(event_type, entry.status, reported[entry.id])}
    by_row: dict[RowKey, MissedWebhook] = {
        **{(InboundMessage.table, (entry.id,)): entry for entry in entries if entry.event_type == "sms_mo"},
        **{(Call.table, ("inbound", entry.id)): entry for entry in entries if entry.event_type == "voice_call"},
    }
    stored = read_records(connection, by_row)
    fetched = _fetched(connection, [record for record in stored.values() if isinstance(record, InboundMessage)])
    for key_, record in stored.items():
        if not (record.journal_only if isinstance(record, Call) else record.key in fetched):
            here.add(by_row[key_].key)
    return here


def known_now(connection: Connection, entries: Sequence[MissedWebhook]) -> set[tuple[object, ...]]:
    """The keys of entries whose record is here with that status, whatever brought it."""
    records = {entry: _record_key(entry) for entry in entries}
    stored = read_records(connection, records.values())
    return {
        entry.key
        for entry, key in records.items()
        if key in stored and (not entry.status or _status_of(stored[key], entry.event_type) == entry.status)
    }


def _status_of(record: Record, event_type: str) -> str | None:
    return STATUSES[event_type].spelled(getattr(record, "status", None))


def _record_key(entry: MissedWebhook) -> RowKey:
    match entry.event_type:
        case "dlr":
            return Message.table, (entry.id,)
        case "sms_mo":
            return InboundMessage.table, (entry.id,)
        case _:
            return Call.table, ("inbound" if entry.event_type == "voice_call" else "outbound", entry.id)


def last_tallied(connection: Connection) -> str | None:
    """When a loss was last acknowledged; None for never."""
    latest = connection.execute(select(func.max(tallies.c.tallied_at)).where(tallies.c.fate == "lost")).scalar_one()
    return None if latest is None else latest.isoformat()


def _in_history(connection: Connection, rows: Sequence[JournalRow]) -> Iterator[Key]:
    for event_type in _HISTORIES:
        of_type = [row for row in rows if row.event_type == event_type]
        reported = _reported(connection, event_type, [row.id for row in of_type])
        yield from ((event_type, id_, status) for id_, statuses in reported.items() for status in statuses)
        yield from (key_of(row) for row in of_type if _is_reached(event_type, row.status or "", reported[row.id]))
    sent = [row.id for row in rows if row.event_type == "dlr"]
    if sent:
        c = message_receipts.c
        read = set(connection.execute(select(c.msg_id).where(c.msg_id.in_(sent), c.kind == "read")).scalars())
        yield from (key_of(row) for row in rows if row.id in read and (row.status or "").casefold() in _BY_READING)


def _reported(connection: Connection, event_type: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """The statuses that webhooks have reported, by id, spelled as the journal's: RCS and WhatsApp have lower case."""
    history, key = _HISTORIES[event_type]
    statuses = STATUSES[event_type]
    reported: dict[str, list[str]] = defaultdict(list)
    if ids:
        query = select(history.c[key], history.c.status).where(history.c[key].in_(ids))
        for id_, status in connection.execute(query):
            reported[id_].append(statuses.spelled(status) or "")
    return reported


def _is_reached(event_type: str, awaited: str, reported: Iterable[str]) -> bool:
    """Whether a status is here, or one that follows it: key presses bring a status, and the journal may be behind."""
    statuses = STATUSES[event_type]
    rank = 0 if statuses.is_final(awaited) else statuses.rank(awaited)
    return any(status == awaited or statuses.rank(status) > rank > 0 for status in reported)


def _as_rows(connection: Connection, rows: Sequence[JournalRow], received_at: datetime) -> Iterator[Key]:
    """Inbound SMS and calls whose rows are here, and not by the journal alone."""
    records = [(row, record) for row in rows if (record := record_of_row(row, received_at, NO_OPTIONS)) is not None]
    stored = read_records(connection, [key for _, record in records for key in row_keys(record)])
    known = [(row, stored[key]) for row, record in records for key in row_keys(record) if key in stored]
    fetched = _fetched(connection, [record for _, record in known if isinstance(record, InboundMessage)])
    for row, record in known:
        only_journal = record.journal_only if isinstance(record, Call) else record.key in fetched
        if not only_journal:
            yield key_of(row)


def _fetched(connection: Connection, records: Sequence[Record]) -> set[tuple[object, ...]]:
    """The keys of inbound messages of which all deliveries were read from the journal."""
    if not records:
        return set()
    c = deliveries.c
    query = select(c.subject, c.request_method).where(
        c.subject.in_([record.key[0] for record in records]),
        c.outcome == "applied",
        c.record.is_(None) | (c.record == InboundMessage.table),
        c.event_type != "dlr",
    )
    methods: dict[tuple[object, ...], set[str | None]] = {}
    for subject, method in connection.execute(query):
        methods.setdefault((subject,), set()).add(method)
    return {key for key, used in methods.items() if used == {JOURNAL}}
