"""Changes: whatever the order, repeats and splits, the changes of a record are the path to how it stands now."""

import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, event, select

from seven.records import LinkEvent, Message, MissedWebhook
from seven.topics import LINKS, expand
from seven.topics import path as path_of
from store import row_writer
from store.changes import demanded_topics
from store.engine import create_store_engine
from store.errors import RowAppeared
from store.row_writer import Store, StoreAway
from store.schema import calls, changes, inbound_messages, link_events, messages, opt_outs
from tests.extent import examples, size, sized
from tests.factories.changes import (
    EVERYTHING,
    NOON,
    REPORTS,
    STATUSES,
    Report,
    at_second,
    noted,
    rows_of,
    subscribe,
    write,
)
from tests.factories.rows import empty


def standings(engine: Engine) -> dict[tuple[str, str], str | None]:
    """How the records stand, by topic up to the dot and key, as the last change of each should have it."""
    stood: dict[tuple[str, str], str | None] = {}
    with engine.connect().execution_options(reads=True) as connection:
        for row in connection.execute(select(messages)):
            stood["message", row.msg_id] = row.status
            if row.read_at:
                stood["message.read", row.msg_id] = "READ"
        for row in connection.execute(select(calls)):
            if row.status:
                stood["call.status", f"{row.direction} {row.call_id}"] = row.status
            if row.direction == "inbound":
                stood["call.received", f"{row.direction} {row.call_id}"] = "received"
        for row in connection.execute(select(inbound_messages)):
            stood["inbound.received", row.id] = "received"
        for row in connection.execute(select(link_events)):
            stood[LINKS[row.type], f"{row.sms_id} {row.tracking_url} {row.type} {row.nth}"] = row.type
    return stood


def paths(rows: Iterable[Any]) -> dict[tuple[str, str], list[Any]]:
    """The changes of each record, in order."""
    of_key: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        of_key.setdefault((path_of(row.topic), row.key), []).append(row)
    return of_key


def emptied(engine: Engine) -> Engine:
    empty(engine)
    with engine.begin() as connection:
        connection.execute(delete(changes))
    return engine


def cut(reports: list[Report], chance: random.Random) -> list[list[Report]]:
    """In another order, some twice, in batches."""
    repeated = reports + chance.choices(reports, k=len(reports) // 3)
    chance.shuffle(repeated)
    batches: list[list[Report]] = [[]]
    for report in repeated:
        if chance.random() < 0.4:
            batches.append([])
        batches[-1].append(report)
    return batches


@examples(25, 150)
@given(reports=st.lists(REPORTS, min_size=1, max_size=14), chance=st.randoms(use_true_random=False))
def test_changes_are_the_path_of_a_record(engine: Engine, reports: list[Report], chance: random.Random):
    """Each was is the now before, none is doubled, the last is the row's, in any order the same; a repeat adds none."""
    last: list[dict[Any, Any]] = []
    for _ in range(2):
        batches = cut(reports, chance)
        write(emptied(engine), batches)
        rows = noted(engine)
        by_key = paths(rows)
        for (name, _), path in by_key.items():
            assert name == "opt_out" or path[0].was is None
            assert all(before.now == after.was for before, after in pairwise(path))
            assert all(change.now != change.was for change in path)
        ids = [(row.topic, row.key, row.now, row.at) for row in rows]
        assert len(set(ids)) == len(ids)
        assert all(row.delivery_id for row in rows)
        assert {key: path[-1].now for key, path in by_key.items() if key[0] != "opt_out"} == standings(engine)
        opted = [row.now for row in rows if row.topic in ("opt_out.started", "opt_out.ended")]
        with engine.connect().execution_options(reads=True) as connection:
            states = connection.execute(select(opt_outs.c.state)).scalars().all()
        assert opted[-1:] == list(states)
        assert all(before != after for before, after in pairwise(opted))
        last.append({key: (path[-1].topic, path[-1].now) for key, path in by_key.items() if key[0] != "opt_out"})
        write(engine, batches)
        assert noted(engine) == rows
    assert last[0] == last[1]


def test_a_change_names_the_delivery_that_brought_it(engine: Engine):
    """Of several in one transaction, the one of the status that stands."""
    dlr = [
        ("dlr", {"msg_id": "77", "status": status, "timestamp": at_second(second)})
        for second, status in enumerate(STATUSES[:4])
    ]
    write(engine, [[dlr[0], dlr[3], dlr[1]], [dlr[2]]])
    (change,) = noted(engine)
    assert (change.topic, change.was, change.now, change.at) == (
        "message.delivered",
        None,
        "DELIVERED",
        NOON + timedelta(seconds=3),
    )
    assert change.delivery_id.endswith("1")


def test_what_is_no_change(engine: Engine):
    """The same status at another time, a late lower one, a foreign id learnt later, a replay: nobody is notified."""
    delivered = {"msg_id": "77", "status": "DELIVERED", "timestamp": at_second(3)}
    write(engine, [[("dlr", delivered)]])
    for other in (
        delivered,
        {**delivered, "timestamp": at_second(9)},
        {**delivered, "status": "ACCEPTED", "timestamp": at_second(1)},
        {**delivered, "foreign_id": "order-1"},
    ):
        write(engine, [[("dlr", other)]])
    assert len(noted(engine)) == 1


def test_only_what_is_in_demand_is_noted(engine: Engine):
    """Topics of one table are told apart, and without any the statements are those of before."""
    delivered, accepted = (
        {"msg_id": "77", "status": status, "timestamp": at_second(n)}
        for n, status in ((3, "DELIVERED"), (1, "ACCEPTED"))
    )
    write(engine, [[("dlr", accepted)], [("dlr", delivered)]], expand(["message.delivered", "call.*"]))
    assert [row.topic for row in noted(engine)] == ["message.delivered"]

    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    write(engine, [[("dlr", {**delivered, "msg_id": "78"})]], frozenset())
    plain, statements[:] = [*statements], []
    Store(engine).write(rows_of([("dlr", {**delivered, "msg_id": "79"})]))
    assert statements == plain
    assert not [statement for statement in plain if "changes" in statement or "FOR NO KEY" in statement]
    statements.clear()
    write(engine, [[("dlr", {**delivered, "msg_id": "80"})]])
    reads = [statement for statement in statements if statement.startswith("SELECT") and "messages.status" in statement]
    assert len(reads) == 1  # before a row is written, and not again


def test_no_number_comes_twice(engine: Engine):
    """Also after the last row is removed: receivers ignore lower ones."""
    seqs = []
    for id_ in ("77", "78"):
        write(engine, [[("dlr", {"msg_id": id_, "status": "DELIVERED", "timestamp": at_second(1)})]])
        seqs += [change.seq for change in noted(engine)]
        with engine.begin() as connection:
            connection.execute(delete(changes))
    assert seqs[0] < seqs[1]


def test_writers_that_are_always_second_hold(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """As after deadlocks: the batch stays in the ledger."""

    def appeared(*_: object) -> None:
        raise RowAppeared

    monkeypatch.setattr(row_writer, "merge_and_note", appeared)
    with pytest.raises(StoreAway, match="always first"):
        Store(engine).noting(EVERYTHING).write([Message("77", status="DELIVERED")])


def test_a_missed_webhook_is_a_change(engine: Engine):
    """When it is beyond the gateway's retries; once for each status."""
    late = MissedWebhook("dlr", "77", "DELIVERED", found_at=NOON, journal_at=NOON, state="late")
    missed = MissedWebhook("dlr", "77", "DELIVERED", state="missed")
    for record in (late, missed, missed, MissedWebhook("sms_mo", "9", "", journal_at=NOON, state="missed")):
        Store(engine).noting(EVERYTHING).write([record])
    assert [(row.topic, row.key, row.now, row.at) for row in noted(engine)] == [
        ("webhook.missed", "dlr 77 DELIVERED", "DELIVERED", NOON),
        ("webhook.missed", "sms_mo 9", "received", NOON),
    ]


def test_who_subscribes_decides(engine: Engine):
    """Topics of whoever is not off, without doubles."""
    listed = [
        ("shop", "message.failed opt_out.started", "on"),
        ("crm", "message.failed", "starting"),
        ("old", "link.clicked", "off"),
    ]
    for name, topics, state in listed:
        subscribe(engine, name, topics, state)
    with engine.connect().execution_options(reads=True) as connection:
        assert demanded_topics(connection) == {"message.failed", "opt_out.started"}


@sized
@pytest.mark.parametrize("dialect", ["postgresql"])
def test_racing_writers_note_one_path(database_url: str, monkeypatch: pytest.MonkeyPatch):
    """Workers that write new and known messages at once do not collide, and each path is whole."""
    monkeypatch.setattr(row_writer, "RACES", 1)  # a deadlock, or a row of another's meanwhile, would raise StoreAway
    chance = random.Random(5)
    reports = [
        ("dlr", {"msg_id": f"{chance.randrange(size(60, 200))}", "status": chance.choice(STATUSES), "timestamp": at_second(chance.randrange(4))})
        for _ in range(size(900, 4000))
    ]  # fmt: skip

    def work(seed: int) -> None:
        engine = create_store_engine(database_url)
        mine = [*reports]
        random.Random(seed).shuffle(mine)
        write(engine, [mine[start : start + 30] for start in range(0, len(mine), 30)])
        engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    by_key = paths(noted(engine := create_store_engine(database_url)))
    for path in by_key.values():
        assert path[0].was is None
        assert all(before.now == after.was for before, after in pairwise(path))
    assert {key: path[-1].now for key, path in by_key.items()} == standings(engine)
    engine.dispose()


def test_keys_of_several_columns_are_told_apart(engine: Engine):
    """Whatever text a URL has."""
    urls = ("https://go.example/\"'; --", "https://go.example/👩", "[1]")
    events = [LinkEvent("77", url, kind, nth, NOON) for url in urls for kind in ("click", "view") for nth in (1, 10)]
    for _ in range(2):
        Store(engine).noting(EVERYTHING).write([*events, Message("77", status="DELIVERED", result="delivered")])
    assert len(noted(engine)) == len(events) + 1
