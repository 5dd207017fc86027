"""Standing changes while others write: what they note is left to them, and what they only write is noted all the same."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, text, update

from store import standing_changes
from store.purge import blank_texts
from store.schema import calls, inbound_messages, messages, opt_outs
from store.standing_changes import Request, count_standing
from store.timed_transactions import transact
from tests.factories.changes import NOON, NUMBER, OURS, at_second, noted, write
from tests.factories.standings import portions, request_of
from tests.servers import eventually

HOUR = timedelta(hours=1)
REPORTS: dict[Table, tuple[str, dict[str, Any]]] = {
    messages: ("dlr", {"msg_id": "77", "status": "DELIVERED", "timestamp": at_second(0)}),
    inbound_messages: ("sms_mo", {"id": "9", "sender": NUMBER, "system": OURS, "text": "STOP", "time": at_second(0)}),
    calls: ("voice_call", {"id": "301", "caller": NUMBER, "time": at_second(0)}),
    opt_outs: ("sms_mo", {"id": "9", "sender": NUMBER, "system": OURS, "text": "STOP", "time": at_second(0)}),
}
TABLES = pytest.mark.parametrize("table", REPORTS, ids=[table.name for table in REPORTS])
BLOCKED = text(
    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    " AND query LIKE '%FOR NO KEY UPDATE%'"
)


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_changes, "ROWS_AT_ONCE", 3)


def number_of(engine: Engine, request: Request) -> int:
    return transact(engine, lambda connection, _: count_standing(connection, request), reads=True)


def written_at(engine: Engine, table: Table, at: datetime, *conditions: Any, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(table).where(*conditions).values(changed_at=at, **values))


def topics_of(table: Table) -> frozenset[str]:
    return standing_changes.WATCHES[table.name].topics


@TABLES
def test_what_happens_meanwhile_is_left_to_its_writer(engine: Engine, table: Table):
    """So that rows which come all the time do not keep this from its end."""
    write(engine, [[REPORTS[table]]], frozenset())
    request = request_of(engine, topics_of(table))
    later = request.until + timedelta(seconds=1)
    written_at(engine, table, later, **{standing_changes.HAPPENED[table.name]: later})
    assert (number_of(engine, request), sum(portions(engine, request))) == (0, 0)


@TABLES
def test_what_is_only_written_meanwhile(engine: Engine, table: Table):
    """While a person reads the plan, say: its standing has not moved, so nobody else notes it."""
    write(engine, [[REPORTS[table]]], frozenset())
    request = request_of(engine, topics_of(table))
    number = number_of(engine, request)
    written_at(engine, table, request.until + timedelta(seconds=1))
    assert (number, sum(portions(engine, request)), len(noted(engine))) == (1, 1, 1)


def test_without_a_time_of_its_own(engine: Engine):
    """Whether it moved cannot be told: it is noted, twice rather than never."""
    write(engine, [[REPORTS[messages]]], frozenset())
    request = request_of(engine)
    written_at(engine, messages, request.until + timedelta(seconds=1), status_at=None)
    assert sum(portions(engine, request)) == 1


def test_a_text_that_retention_has_blanked(engine: Engine):
    """Its message is as old as before: `--since` does not ask for it, but for those that were sent since."""
    recently = datetime.now(UTC) - HOUR / 2
    reports = [
        ("sms_mo", {"id": name, "sender": NUMBER, "system": OURS, "text": "hello", "time": int(at.timestamp())})
        for name, at in (("old", recently - timedelta(days=400)), ("new", recently))
    ]
    write(engine, [reports], frozenset(), sent_at=recently)
    blanked = transact(engine, lambda connection, now: blank_texts(connection, now - timedelta(days=365)))
    assert blanked.blanked == {"inbound_messages": 1}
    request = request_of(engine, since=datetime.now(UTC) - HOUR)
    assert (number_of(engine, request), sum(portions(engine, request))) == (1, 1)
    assert [change.key for change in noted(engine)] == ["new"]


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_row_that_is_written_while_it_is_locked(engine: Engine):
    """It is not where this goes on: the rows between are noted, and it once more, as it stands."""
    write(engine, [[("dlr", {"msg_id": f"{n}", "status": "SENT"}) for n in range(9)]], frozenset())
    for n in range(9):
        written_at(engine, messages, NOON + n * HOUR, messages.c.msg_id == f"{n}")
    request = request_of(engine)
    with ThreadPoolExecutor(1) as threads:
        with engine.begin() as writer:
            its = update(messages).where(messages.c.msg_id == "2").values(changed_at=request.until + HOUR)
            writer.execute(its)
            noting = threads.submit(lambda: sum(portions(engine, request)))
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as observer:
                eventually(lambda: observer.execute(BLOCKED).fetchall())
        assert noting.result() == 10
    assert sorted(change.key for change in noted(engine)) == sorted([*"012345678", "2"])
