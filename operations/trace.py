"""Trace: everything that the database holds on one id, number, short URL or label, read through indexes."""

from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter

from sqlalchemy import Connection, and_, or_, select

from operations.trace_opt_outs import opt_outs_of
from operations.trace_records import (
    MOST_RECORDS,
    Row,
    calls_of,
    inbound_of,
    links_of,
    messages_of,
    missed_of,
    rows_of,
    sent_of,
)
from operations.trace_scope import EVERYTHING, tables_about, writes_any
from operations.trace_terms import Terms
from operations.trace_unapplied import PendingSearch, unapplied_about
from runtime.trace_ids import trace_id
from seven.forgotten_numbers import ErasureKey
from seven.journal import JOURNAL
from seven.phone_numbers import COUNTRY_CODE
from seven.summaries import summarise
from store.archive import first_id
from store.schema import calls, deliveries, inbound_messages, messages

DIRECTIONS = ("inbound", "outbound")  # of calls
MOST_DELIVERIES = 1000
LATEST = 20

_SHOWN = (
    deliveries.c.id, deliveries.c.received_at, deliveries.c.event_type, deliveries.c.request_method,
    deliveries.c.subject, deliveries.c.outcome, deliveries.c.reason, deliveries.c.remark,
    deliveries.c.event_at, deliveries.c.applied_at, deliveries.c.record,
)  # fmt: skip


@dataclass(slots=True)
class Story:
    """Everything known of one id; each record includes its history. Its fields are keys of `trace --json`."""

    id: str
    delivery: Row | None = None
    """The delivery of this id, with its payload."""
    messages: list[Row] = field(default_factory=list)
    sent_messages: list[Row] = field(default_factory=list)
    """What was sent, as far as that is kept; each says whether it `is_reported`: whether a status is known."""
    calls: list[Row] = field(default_factory=list)
    inbound_messages: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    """Each with its `gaps`: by kind, how many activities the gateway counted and never reported."""
    opt_outs: list[Row] = field(default_factory=list)  # of the number, and of who sent these messages
    missed_webhooks: list[Row] = field(default_factory=list)
    """Of these records, what the gateway's journal has and no webhook brought."""
    deliveries: list[Row] = field(default_factory=list)
    """About these records, each with the number of its repeats and its `summary`."""
    unapplied: list[Row] = field(default_factory=list)
    """Parked, quarantined and dead deliveries whose payload has what was asked for, beside those above."""
    pending: PendingSearch | None = None
    """What the ledger holds of it; None if nobody looked there."""
    cut: bool = False
    """Whether a limit cut one of the lists."""

    def __bool__(self) -> bool:
        records = (self.messages, self.sent_messages, self.calls, self.inbound_messages, self.links, self.opt_outs)
        pending = self.pending and self.pending.deliveries
        return any((self.delivery, *records, self.missed_webhooks, self.deliveries, self.unapplied, pending))

    @property
    def message_ids(self) -> list[str]:
        """The ids of the messages, reported or only known to be sent."""
        return list(dict.fromkeys(row["msg_id"] for row in (*self.messages, *self.sent_messages)))

    @property
    def subjects(self) -> set[str]:
        """The subjects of deliveries about these records."""
        subjects = {*self.message_ids} | {row["id"] for row in self.inbound_messages}
        subjects |= {f"{row['direction']} {row['call_id']}" for row in self.calls}
        return subjects | {f"{row['sms_id']} {row['tracking_url']}" for row in self.links}


def latest_deliveries(connection: Connection, *, masked: bool = False) -> list[Row]:
    """The latest deliveries, the latest first, each with its `summary`."""
    query = select(*_SHOWN, deliveries.c.payload).order_by(deliveries.c.id.desc())
    return _summarised(rows_of(connection, query.limit(LATEST)), masked)


def deliveries_around(connection: Connection, at: datetime) -> list[Row]:
    """The last deliveries received before a moment and the first ones after it, the latest first."""
    query, moment = select(*_SHOWN, deliveries.c.payload), first_id(at)
    before = query.where(deliveries.c.id < moment).order_by(deliveries.c.id.desc()).limit(LATEST // 2)
    after = query.where(deliveries.c.id >= moment).order_by(deliveries.c.id).limit(LATEST // 2)
    return _summarised([*reversed(rows_of(connection, after)), *rows_of(connection, before)], masked=False)


def trace_story(
    connection: Connection,
    identifier: str,
    country_code: int = COUNTRY_CODE,
    *,
    masked: bool = False,
    erasure_key: ErasureKey | None = None,
) -> Story:
    """The records with this id, foreign id (in any case), number (in any spelling), short URL, label or subject.

    For the id of a delivery, the records it is about. `masked` summaries hold no number and no text.
    The opt-outs of a forgotten number are known with the `erasure_key` alone.
    """
    story = Story(identifier)
    query = select(*_SHOWN, deliveries.c.payload).where(deliveries.c.id == identifier.strip().lower())
    story.delivery = next(iter(_traced(rows_of(connection, query))), None)
    subject = (story.delivery and story.delivery["subject"]) or identifier
    about = tables_about(story.delivery)
    terms = Terms.of(subject, country_code)
    first, _, rest = subject.partition(" ")
    directions, key, tracking_url = ((first,), rest, "") if first in DIRECTIONS and rest else (DIRECTIONS, first, rest)
    names = tuple(dict.fromkeys((key, *terms.names)))  # a foreign id may contain spaces
    if messages.name in about:
        _add_messages(connection, story, names, terms)
        story.links = links_of(connection, [key, *story.message_ids], tracking_url, terms)
    if calls.name in about:
        story.calls = calls_of(connection, directions, names, terms)
    if inbound_messages.name in about:
        story.inbound_messages = inbound_of(connection, names, terms)
    story.opt_outs = opt_outs_of(connection, terms.numbers, story.inbound_messages, country_code, erasure_key)
    ids = [key, *story.message_ids, *(row["call_id"] for row in story.calls)]
    story.missed_webhooks = missed_of(connection, list(dict.fromkeys(ids)))
    story.deliveries = _deliveries(connection, story, subject, about, masked)
    if story.delivery is None:
        _add_unapplied(connection, story, terms, masked)
    records = (story.messages, story.sent_messages, story.calls, story.inbound_messages, story.links)
    read = sum(1 + row["repeats"] for row in story.deliveries)
    story.cut |= read >= MOST_DELIVERIES or any(len(rows) >= MOST_RECORDS for rows in records)
    return story


def _add_messages(connection: Connection, story: Story, names: tuple[str, ...], terms: Terms) -> None:
    """What was sent is known by its recipient, its status is not; a foreign id may stand in either alone."""
    story.messages = messages_of(connection, names, names)
    ids = {row["msg_id"] for row in story.messages}
    story.sent_messages = sent_of(connection, (*names, *ids), names, terms)
    if others := [row["msg_id"] for row in story.sent_messages if row["msg_id"] not in ids]:
        story.messages = sorted((*story.messages, *messages_of(connection, others)), key=itemgetter("msg_id"))
    reported = {row["msg_id"] for row in story.messages}
    for row in story.sent_messages:
        row["is_reported"] = row["msg_id"] in reported


def _deliveries(connection: Connection, story: Story, subject: str, about: frozenset[str], masked: bool) -> list[Row]:
    """The deliveries about these records, by the index on subjects, in order of receipt."""
    subjects = {subject, *(f"{direction} {subject}" for direction in DIRECTIONS)} | story.subjects
    column = deliveries.c.subject
    # Subjects of a message's links begin with its id and a space, and "!" is the character after the space.
    of_its_links = and_(column > f"{subject} ", column < f"{subject}!")
    of_story = or_(column.in_(subjects), of_its_links)
    if about != EVERYTHING:
        of_story = and_(of_story, writes_any(about))
    query = select(*_SHOWN, deliveries.c.payload, deliveries.c.digest).where(of_story)
    rows = rows_of(connection, query.order_by(deliveries.c.id.desc()).limit(MOST_DELIVERIES))
    return _summarised(_without_repeats(rows), masked)


def _add_unapplied(connection: Connection, story: Story, terms: Terms, masked: bool) -> None:
    rows, whole = unapplied_about(connection, terms, _SHOWN)
    known = {row["id"] for row in story.deliveries}
    story.unapplied = _summarised([row for row in rows if row["id"] not in known], masked)
    story.cut |= not whole and bool(rows)


def _without_repeats(rows: list[Row]) -> list[Row]:
    """The first delivery of each content, with the number of its repeats. Expects the latest row first."""
    firsts: dict[str, Row] = {}
    for row in reversed(rows):
        digest = row.pop("digest") or row["id"]
        digest = row["id"] if row["request_method"] == JOURNAL else digest  # nobody sent it again
        if digest in firsts:
            firsts[digest]["repeats"] += 1
        else:
            firsts[digest] = {**row, "repeats": 0}
    return list(firsts.values())


def _traced(rows: list[Row]) -> list[Row]:
    """The rows with the ids of their traces, whether or not there are traces."""
    return [row | {"trace_id": trace_id(row["id"])} for row in rows]


def _summarised(rows: list[Row], masked: bool) -> list[Row]:
    """The rows with what each said instead of its payload."""
    rows = _traced(rows)
    return [row | {"summary": summarise(row["event_type"], row.pop("payload"), masked=masked)} for row in rows]
