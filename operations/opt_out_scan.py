"""Opt-out scan: finds opt-outs in inbound messages that were stored without them, by a version before or other words.

Every entry is joined with what is known, so a scan may be repeated, may run beside workers, and overrides nothing that
is newer. What retention has blanked cannot be known. A message whose deliveries are kept is read from those, as a
worker reads it: they say whether it had a time of its own.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, func, select, true

from seven.aggregates import aggregates
from seven.archive_records import ArchivedDelivery
from seven.envelope import Envelope
from seven.errors import UnreadableEnvelope
from seven.opt_out_words import LONGEST_TEXT
from seven.opt_outs import opt_out_records
from seven.record import JOINS, Record, fold
from seven.records import InboundMessage, OptOut, OptOutEvent
from seven.timestamps import latest_wall_reading
from store.archive import archived
from store.changes import Demand
from store.forgotten_blanks import with_hash
from store.projection import project_envelope
from store.projection_options import ProjectionOptions
from store.row_writer import Store, merge_rows
from store.schema import inbound_messages

ROWS_AT_ONCE = 500
PAUSE_S = 0.02
Result = TypeVar("Result")
_ALL = true()
_IS_SHORT = func.length(inbound_messages.c.text).between(1, LONGEST_TEXT)
_INBOUND = next(each for each in aggregates() if each.name == InboundMessage.table)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """How many texts were read, and how many of them are stop or start words."""

    texts: int = 0
    words: int = 0

    def __add__(self, other: "ScanResult") -> "ScanResult":
        return ScanResult(self.texts + other.texts, self.words + other.words)


def scan_texts(store: Store, options: ProjectionOptions) -> ScanResult:
    """Read all texts, some in each transaction. Raises StoreAway or Refused."""
    result, following = ScanResult(), ""
    while True:
        page, last = scan_page(store, options, following)
        result += page
        if last is None:
            return result
        following = last


def scan_page(
    store: Store, options: ProjectionOptions, after: str, among: ColumnElement[bool] = _ALL
) -> tuple[ScanResult, str | None]:
    """Read the next texts after this id in one transaction. Returns also the last id; None after the last text.

    Opt-outs that are news are noted for subscribers. Raises StoreAway or Refused.
    """
    demand = Demand(store.demanded_topics())

    def work(connection: Connection) -> tuple[ScanResult, str | None]:
        knowing = options.with_forgotten(store.register.read(connection))
        messages = _read(connection, among & (inbound_messages.c.id > after))
        return _add(connection, messages, knowing, demand), messages[-1].id if len(messages) == ROWS_AT_ONCE else None

    return paced(lambda: store.transact(work))


def scan_changes(
    store: Store, options: ProjectionOptions, since: datetime, until: datetime, check: Callable[[], object]
) -> ScanResult:
    """Read the texts of messages that changed in a time, as `scan_page`; `check` is called before each transaction."""
    result, following = ScanResult(), ""
    changed = inbound_messages.c.changed_at.between(since, until)
    while True:
        check()
        page, last = scan_page(store, options, following, changed)
        result += page
        if last is None:
            return result
        following = last


def paced(step: Callable[[], Result]) -> Result:
    """Take a step, then rest for as long as it took: half of the database's time is for others."""
    began = time.monotonic()
    result = step()
    time.sleep(max(PAUSE_S, time.monotonic() - began))
    return result


def _read(connection: Connection, condition: ColumnElement[bool]) -> list[InboundMessage]:
    columns = [inbound_messages.c[name] for name in JOINS[InboundMessage].field_joins]
    query = select(*columns).where(condition, _IS_SHORT).order_by(inbound_messages.c.id).limit(ROWS_AT_ONCE)
    return [InboundMessage(*row) for row in connection.execute(query)]


def _add(
    connection: Connection, messages: Iterable[InboundMessage], options: ProjectionOptions, demand: Demand
) -> ScanResult:
    texts, words = 0, 0
    records: list[Record] = []
    for message in messages:
        texts += 1
        if options.opt_out_words and options.opt_out_words.recognize(message.text or ""):
            words += 1
            records += _opt_outs(connection, message, options)
    merge_rows(connection, fold(records), demand)
    return ScanResult(texts, words)


def _opt_outs(connection: Connection, message: InboundMessage, options: ProjectionOptions) -> list[Record]:
    assert options.opt_out_words is not None
    kept = [records for row in archived(connection, _INBOUND, [message.id]) for records in _projected(row, options)]
    if kept:
        return [record for records in kept for record in records if isinstance(record, OptOut | OptOutEvent)]
    # Whether it had a time of its own is no longer known: it may opt out by this one, and never back in.
    if message.sent_at is not None:
        message = replace(message, sent_at=latest_wall_reading(message.sent_at))
    records = opt_out_records(message, options.opt_out_words, options.country_code, is_dated=False)
    return [with_hash(record, options.forgotten) for record in records]


def _projected(row: ArchivedDelivery, options: ProjectionOptions) -> Iterator[Sequence[Record]]:
    """The records of a delivery whose payload is kept and understood."""
    now = datetime.now(UTC)
    try:
        envelope = Envelope.archived(row)
    except UnreadableEnvelope:
        return
    projection = project_envelope(row, envelope, "", reference_at=max(now, row.applied_at or now), options=options)
    if projection.delivery.outcome == "applied":
        yield projection.records
