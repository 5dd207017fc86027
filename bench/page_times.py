"""Milliseconds in which the database answers each page of the console and each named query, over millions of rows.

Rows are spread over ten weeks up to now: messages that were sent, nearly all with two status reports, some with a link
that was clicked, an answer or a call. A time is that of all statements of a page, with their rows; not of making HTML.
Opt-outs, missed webhooks and changes of hooks have no rows.
"""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from bench.bulk_rows import insert, provide_weeks, settle
from bench.servers import database, temporary_directory
from bench.table_growth import PAST
from console.pages.overview import KINDS
from operations.hourly_counts import CountHour
from operations.queries import QUERIES, NamedQuery, run
from operations.record_lists import LISTS, RecordList
from operations.trace import latest_deliveries
from store.archive import first_id
from store.engine import create_store_engine

Rows = dict[str, list[tuple[Any, ...]]]

COLUMNS = {
    "deliveries": "id event_type queue subject received_at applied_at event_at request_method source payload digest outcome"
    " reason ledger ordinal",
    "messages": "msg_id status result final status_at rank foreign_id first_seen_at last_seen_at changed_at delivered_at",
    "message_statuses": "msg_id status at",
    "sent_messages": "msg_id sent_at recipient sender label foreign_id price mccmnc channel connection changed_at",
    "links": "sms_id tracking_url label final_url clicks views first_at last_at changed_at last_total",
    "link_events": "sms_id tracking_url type nth at",
    "inbound_messages": "id sender recipient text sent_at message_type changed_at channel",
    "calls": "direction call_id caller recipient status final status_at duration_s price_per_minute started_at changed_at",
}
AT_ONCE = 20_000
"""Messages of one transaction while filling."""
NETWORKS = ("26201", "26202", "26203", "23201", "22801")
EVENT_TYPES_FILLED = ("dlr", "sms_mo", "coined")
MEASURED = 5
"""Times that a page is read, after one that warms caches."""
FILTERS: dict[str, tuple[dict[str, str], ...]] = {
    "messages": ({"result": "failed"}, {"result": "delivered"}, {"open_hours": "24"}),
    "sent": ({"label": "campaign 7"}, {"result": "failed"}, {"result": "no report"}),
    "links": ({"label": "campaign 7", "clicked": "yes"},),
    "calls": ({"direction": "inbound"},),
    "deliveries": ({"event_type": "sms_mo"}, {"outcome": "parked"}),
}
"""Beside a list without any."""


def measure(dialect: str, messages: int, tick: Callable[[], None]) -> dict[str, Any]:
    """Milliseconds of each page, as often as it was read; `rows` says how many each table holds."""
    with temporary_directory() as directory, database(directory, dialect) as url:
        engine = create_store_engine(url)
        held = fill(engine, messages, datetime.now(UTC))
        tick()
        times = {name: [_milliseconds(engine, page) for _ in range(MEASURED + 1)][1:] for name, page in pages()}
        engine.dispose()
        tick()
        return {"rows": held, "milliseconds": times}


def fill(engine: Engine, messages: int, now: datetime) -> dict[str, int]:
    """Fill the tables with so many messages; returns how many rows each has got."""
    provide_weeks(engine, now - PAST, now + timedelta(weeks=1))
    numbers, held = iter(range(messages)), dict.fromkeys(COLUMNS, 0)
    while chunk := list(islice(numbers, AT_ONCE)):
        rows: Rows = {table: [] for table in COLUMNS}
        for n in chunk:
            _add(rows, n, now - PAST + n * PAST / messages)
        for table, columns in COLUMNS.items():
            insert(engine, table, columns.split(), rows[table])
            held[table] += len(rows[table])
    settle(engine)
    return held


def _add(rows: Rows, n: int, at: datetime) -> None:
    """A message of this time, and what became of it."""
    msg_id, number, label = f"77{n:012d}", _number(n), f"campaign {n % 40}"
    later = at + timedelta(seconds=1 + n % 90)
    status, result = ("NOTDELIVERED", "failed") if n % 23 == 0 else ("DELIVERED", "delivered")
    if n % 50 == 48:
        status, result = "ACCEPTED", "pending"
    rows["sent_messages"].append(
        (msg_id, at, number, "seven.io", label, f"order-{n}", 0.075, NETWORKS[n % 5], "sms", "http", at)
    )
    if n % 50 == 49:
        return  # no report has come
    rows["deliveries"] += (_delivery(2 * n, "dlr", msg_id, at), _delivery(2 * n + 1, "dlr", msg_id, later))
    rows["message_statuses"] += ((msg_id, "TRANSMITTED", at), (msg_id, status, later))
    rows["messages"].append(
        (
            *(msg_id, status, result, result != "pending", later, 7, f"order-{n}", at, later, later),
            later if result == "delivered" else None,
        )
    )
    if n % 3 == 0:
        url = f"https://svn.to/{n:x}"
        rows["links"].append((msg_id, url, label, "https://example.com/", 1, 0, later, later, later, 1))
        rows["link_events"].append((msg_id, url, "click", 1, later))
    if n % 10 == 0:
        rows["inbound_messages"].append((f"{n}", number, "4915199999999", "Danke", later, "SMS", later, "sms"))
        rows["deliveries"].append(_delivery(n, "sms_mo", f"{n}", later))
    if n % 1000 == 0:
        rows["deliveries"].append(_delivery(n, "coined", None, later, "parked"))
    if n % 20 == 0:
        rows["calls"].append(
            ("inbound", f"{n}", number, "4915199999999", "completed", True, later, 60, 0.05, later, later)
        )


def _number(n: int) -> str:
    """The recipient of a message: another one for each of a hundred million."""
    return f"49151{n * 7919 % 10**8:08d}"


def _delivery(n: int, event_type: str, subject: str | None, at: datetime, outcome: str = "applied") -> tuple[Any, ...]:
    """The nth of its event type."""
    name = f"{first_id(at)}-7{n % 4096:03x}-{0x8000 + EVENT_TYPES_FILLED.index(event_type):04x}-{n:012x}"
    payload = (
        f'{{"data":{{"msg_id":"{subject}","status":"DELIVERED","timestamp":"{at:%Y-%m-%d %H:%M:%S.%f}"}},'
        f'"webhook_event":"{event_type}","webhook_timestamp":"{at.isoformat(timespec="seconds")}"}}'
    )
    digest = f"{n * 0x9E3779B97F4A7C15 % 2**256:064x}"
    queue, applied_at = (event_type, at) if outcome == "applied" else ("parked", None)
    return (
        *(name, event_type, queue, subject, at, applied_at, at, "JSON", "203.0.113.7", payload),
        *(digest, outcome, None, "life", n + 1),
    )


Page = Callable[[Connection], object]


def pages() -> Iterator[tuple[str, Page]]:
    """What is measured, by its name."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    for kind in KINDS:
        yield f"overview, an hour of {kind.name}", partial(_count, kind.count_hour, hour)
    yield "overview, the latest deliveries", latest_deliveries
    for record_list in LISTS.values():
        for texts in ({}, *FILTERS.get(record_list.name, ())):
            title = ", ".join((f"list {record_list.name}", *(f"{key} {value}" for key, value in texts.items())))
            yield title, partial(_first_page, record_list, texts)
    for query in QUERIES.values():
        texts = {"number": _number(30)} if query is QUERIES["person"] else {}
        yield f"query {query.name}", partial(_answer, query, query.values(texts))


def _count(count: CountHour, hour: datetime, connection: Connection) -> object:
    return count(connection, hour)


def _first_page(record_list: RecordList, texts: dict[str, str], connection: Connection) -> object:
    return record_list.page(connection, record_list.parse(texts))


def _answer(query: NamedQuery, values: dict[str, Any], connection: Connection) -> object:
    return list(run(connection, query, values).rows)


def _milliseconds(engine: Engine, page: Page) -> float:
    """Infinite for a page that the time limit of a reader ends."""
    try:
        with engine.connect().execution_options(reads=True) as connection:
            began = time.perf_counter()
            page(connection)
            return (time.perf_counter() - began) * 1000
    except OperationalError:
        return math.inf
