"""Record lists: every row exactly once over all pages, whatever the filter, in both databases."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert

from operations.keyset import Cursor
from operations.record_lists import LISTS, RecordList, read_rows
from seven.archive_records import ArchivedDelivery, DeadLetter
from seven.record import Record
from seven.records import Call, InboundMessage, Message, MissedWebhook, OptOut, SentMessage, TrackedLink
from store.row_writer import Store
from store.schema import hook_changes
from tests.factories.archive import delivery_id
from tests.shared_rows import SharedRows

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
RESULTS = {"DELIVERED": "delivered", "EXPIRED": "failed", "BUFFERED": "pending", "COINED": "unknown"}


def _at(number: int) -> datetime | None:
    """Times with ties, over five days; of each eleventh row none."""
    return None if number % 11 == 10 else NOON - timedelta(hours=number // 4 * 5)


def _records(number: int) -> list[Record]:
    status = list(RESULTS)[number % 4]
    outcome = ("applied", "parked", "dead", "quarantined", "discarded")[number % 5]
    received_at = NOON - timedelta(hours=number)
    delivery = delivery_id(received_at, number)
    records: list[Record] = [
        Message(msg_id=f"7{number}", status=status, result=RESULTS[status], first_seen_at=_at(number), status_at=_at(number)),
        InboundMessage(id=f"i{number}", sender="4915112345678", text="hello", sent_at=_at(number)),
        Call(direction=("inbound", "outbound")[number % 2], call_id=f"c{number // 2}", status="busy", started_at=_at(number)),
        TrackedLink(sms_id="7", tracking_url=f"https://ul.gl/{number}", label=("spring", None)[number % 2], clicks=number % 3, first_at=_at(number)),
        OptOut(number=f"4915{number:08d}", recipient="", channel="sms", state="out", since=_at(number), word="stop"),
        SentMessage(msg_id=f"7{number * 2}", sent_at=_at(number), recipient="4915112345678", label=("spring", None)[number % 2], connection=("http", "smtp")[number % 3 == 0]),
        MissedWebhook("dlr", f"7{number}", status, journal_at=_at(number), state=("late", "missed", "came", "missed")[number % 4]),
        ArchivedDelivery(id=delivery, event_type=("dlr", "rcs")[number % 2], outcome=outcome, reason="why", received_at=received_at, payload="{}"),
    ]  # fmt: skip
    if outcome == "dead":
        records.append(DeadLetter(id=delivery, reason="100% dead", failed_at=received_at, attempts=2))
    return records


def _fill(engine: Engine, numbers: range) -> None:
    Store(engine).write(record for number in numbers for record in _records(number))
    rows = [
        {"id": delivery_id(NOON - timedelta(hours=n), n), "at": NOON - timedelta(hours=n), "action": ("missing", "drifted")[n % 2], "event_type": "dlr"}
        for n in numbers
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(hook_changes), rows)


def _fill_with_60(engine: Engine) -> None:
    _fill(engine, range(60))


@pytest.fixture
def filled(dialect: str, shared_rows: SharedRows) -> Engine:
    return shared_rows.engine(dialect, _fill_with_60)


def _reading(engine: Engine) -> AbstractContextManager[Connection]:
    return engine.connect().execution_options(reads=True)


def _pages(engine: Engine, record_list: RecordList, size: int, window: int = 10_000, **texts: str) -> list[list[Any]]:
    """The rows of each page; a cursor travels as text, as it does in a form."""
    filters = record_list.parse(texts, now=NOON)
    pages, after = [], ""
    while True:
        with _reading(engine) as connection:
            page = record_list.page(connection, filters, record_list.cursor(after), size, window)
        pages.append([tuple(row.values()) for row in page.rows])
        assert len(pages) < 500
        if page.following is None:
            return pages
        after = page.following.encode()


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("size", [1, 7, 60])
def test_every_row_exactly_once(filled: Engine, name: str, size: int):
    """Over all pages, also where several rows have one time, and where rows have none; the latest first."""
    pages = _pages(filled, LISTS[name], size)
    rows = [row for page in pages for row in page]
    assert len(rows) == len(set(rows)) == (36 if name == "dead-letters" else 60)
    assert all(len(page) == size for page in pages[:-1])
    times = [row[0] for row in rows if row[0] is not None]
    assert times == sorted(times, reverse=True)
    assert all(row[0] is None for row in rows[len(times) :])


@pytest.mark.parametrize(
    ("name", "texts", "expected"),
    [
        pytest.param("messages", {"result": "failed"}, 15, id="failed messages"),
        pytest.param("messages", {"result": "delivered"}, 15, id="delivered messages"),
        pytest.param("messages", {"status": "buffered"}, 15, id="status in another case"),
        pytest.param("messages", {"open_hours": "24"}, 9, id="open for a day"),
        pytest.param("messages", {"since": "2026-03-29", "until": "2026-03-29"}, 11, id="messages of a day"),
        pytest.param("messages", {"since": "2030-01-01"}, 0, id="messages to come"),
        pytest.param("inbound", {"until": "2026-03-28"}, 44, id="inbound SMS until a day"),
        pytest.param("calls", {"direction": "inbound", "status": "BUSY"}, 30, id="inbound calls"),
        pytest.param("links", {"label": "spring"}, 30, id="links with a label"),
        pytest.param("links", {"label": "' OR 1=1 --"}, 0, id="no SQL"),
        pytest.param("links", {"clicked": "yes"}, 40, id="clicked links"),
        pytest.param("links", {"clicked": "no", "label": "spring"}, 10, id="links only viewed"),
        pytest.param("sent", {"label": "spring"}, 30, id="sent with a label"),
        pytest.param("sent", {"result": "no report"}, 30, id="sent and not reported"),
        pytest.param("sent", {"result": "delivered", "connection": "SMTP"}, 5, id="sent by SMTP and delivered"),
        pytest.param("sent", {"since": "2026-03-29", "until": "2026-03-29"}, 11, id="sent on a day"),
        pytest.param("missed", {"state": "missed"}, 30, id="missed webhooks"),
        pytest.param("missed", {"state": "uncovered"}, 0, id="uncovered webhooks"),
        pytest.param("missed", {"event_type": "dlr", "until": "2026-03-28"}, 44, id="missed until a day"),
        pytest.param("deliveries", {"outcome": "parked"}, 12, id="parked deliveries"),
        pytest.param("deliveries", {"outcome": "applied", "event_type": "rcs"}, 6, id="applied ones of a type"),
        pytest.param("deliveries", {"since": "2026-03-29"}, 13, id="deliveries of a day"),
        pytest.param("dead-letters", {"outcome": "discarded"}, 12, id="discarded"),
        pytest.param("dead-letters", {"reason": "100% DEAD"}, 12, id="reason"),
        pytest.param("hook-changes", {"action": "drifted", "event_type": "dlr", "until": "2026-03-28"}, 24, id="hook changes"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("window", [5, 10_000])
def test_filters(filled: Engine, name: str, texts: Mapping[str, str], expected: int, window: int):
    """The rows that match, each once, also where a page looks at fewer rows than there are."""
    rows = [row for page in _pages(filled, LISTS[name], 7, window, **texts) for row in page]
    assert len(rows) == len(set(rows)) == expected


def test_a_page_that_is_not_full_says_how_far_it_looked(filled: Engine):
    """A rare value does not make the database read everything at once."""
    deliveries = LISTS["deliveries"]
    filters = deliveries.parse({"event_type": "none"})
    with _reading(filled) as connection:
        first = deliveries.page(connection, filters, window=50)
        assert not first.rows
        assert first.searched_to == delivery_id(NOON - timedelta(hours=49), 49)
        second = deliveries.page(connection, filters, first.following, window=50)
    assert (second.rows, second.following, second.searched_to) == ([], None, None)


@pytest.mark.parametrize("name", LISTS)
def test_rows_that_arrive_meanwhile_do_no_harm(engine: Engine, name: str):
    """No row is doubled or left out because newer ones came between two pages."""
    _fill(engine, range(20, 60))
    record_list, filters = LISTS[name], LISTS[name].parse({})
    with _reading(engine) as connection:
        before = [row for rows in read_rows(lambda: _reading(engine), record_list, filters) for row in rows]
        first = record_list.page(connection, filters, size=5)
    _fill(engine, range(20))
    rows, after = first.rows, first.following
    while after:
        with _reading(engine) as connection:
            page = record_list.page(connection, filters, after, 5)
        rows, after = rows + page.rows, page.following
    assert [row for row in rows if row in before] == before


@pytest.mark.parametrize("name", LISTS)
def test_no_page_counts_or_skips_rows(filled: Engine, name: str):
    """No OFFSET, and no count but of the rows that one page looks at."""
    statements: list[str] = []
    record_list = LISTS[name]
    with _reading(filled) as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: statements.append(call[2]))
        record_list.page(connection, record_list.parse({"since": "2026-03-01"}))
    assert statements
    statements = [
        statement.replace("LIMIT ? OFFSET ?", "LIMIT") for statement in statements
    ]  # SQLAlchemy's, for SQLite
    assert not [statement for statement in statements if "OFFSET" in statement]
    assert all("LIMIT" in statement for statement in statements if statement.startswith(("SELECT", "WITH")))


@pytest.mark.parametrize(
    ("name", "texts", "sentence"),
    [
        pytest.param("messages", {"result": "lost"}, "Result: choose delivered, failed, pending or unknown.", id="no result"),
        pytest.param("messages", {"since": "29.3.2026"}, "From day: a day is written as 2026-03-29.", id="no day"),
        pytest.param("messages", {"since": "0001-01-01"}, "From day: a year from 1970 to 9998.", id="no year"),
        pytest.param("messages", {"since": "2026-03-30", "until": "2026-03-29"}, "From day is after to day", id="no time"),
        pytest.param("messages", {"open_hours": "-1"}, "a whole number of hours, from 1 to 8760", id="no hours"),
        pytest.param("messages", {"open_hours": "²"}, "a whole number of hours, from 1 to 8760", id="no digit"),
        pytest.param("messages", {"open_hours": "1", "result": "failed"}, "no failed message is open", id="open and failed"),
        pytest.param("messages", {"open_hours": "1", "status": "EXPIRED"}, "EXPIRED is final", id="open and final"),
        pytest.param("messages", {"result": "failed", "status": "delivered"}, "is delivered, never failed", id="never"),
        pytest.param("calls", {"colour": "red"}, "no filter 'colour'", id="no filter"),
        pytest.param("links", {"label": "x" * 256}, "Label: at most 255 characters.", id="too long"),
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense(name: str, texts: dict[str, str], sentence: str):
    """It gets a sentence, before the database is asked."""
    with pytest.raises(ValueError, match=r"\.") as refused:
        LISTS[name].parse(texts)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["x", "[]", "7", "null", '["a"]', '["2026-03-29T12:00:00+00:00"]', "[null, null]", '["29.3.", "7"]', '[7, "7"]', "[" * 9000,
     '["0001-01-01T00:00:00+23:00", "7"]', '{"a": 1}'],
)  # fmt: skip
def test_a_cursor_that_makes_no_sense(text: str):
    """A position of another list gets a sentence."""
    with pytest.raises(ValueError, match="This page does not exist"):
        LISTS["messages"].cursor(text)


def test_a_cursor_holds_whatever_a_key_does(engine: Engine):
    """Ids are foreign texts: quotes, emoji and NUL travel through a form."""
    texts = ("\"'; --", "👩‍👩‍👧‍👦", "a\u202eb", "line\nfeed")
    Store(engine).write(Message(msg_id=text, first_seen_at=NOON) for text in texts)
    assert len([row for page in _pages(engine, LISTS["messages"], 1) for row in page]) == len(texts)
    assert LISTS["deliveries"].cursor('["\\u0000"]') == Cursor(("\ufffd",))
