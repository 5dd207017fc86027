"""Joins in SQL equal those in Python: any order, repeats and splits give the same rows, in both databases."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from seven.record import Record
from seven.records import CallStatus, InboundMessage, Message, MessageStatus
from store.engine import create_store_engine
from store.row_writer import Store
from store.schema import messages
from tests.extent import examples, size, sized
from tests.factories.rows import NOON, empty, merged_rows, records_of, redelivered, scenarios, stored_rows

repeated = examples(20, 60)


@repeated
@given(scenario=scenarios(), chance=st.randoms(use_true_random=False))
def test_order_repeats_and_splits_leave_no_trace(engine: Engine, scenario: list[Record], chance: random.Random):
    """Deliveries come at least once and in any order; the rows do not show it."""
    empty(engine)
    store = Store(engine)
    for batch in redelivered(scenario, chance):
        store.write(batch)
    assert stored_rows(engine) == merged_rows(scenario)


@repeated
@given(scenario=st.lists(records_of(Message), min_size=2, max_size=12), chance=st.randoms(use_true_random=False))
def test_standings_with_ties_and_nulls(engine: Engine, scenario: list[Record], chance: random.Random):
    """The standing of a message is independent of the order of its statuses, also with ties and NULLs."""
    empty(engine)
    for batch in redelivered(scenario, chance):
        Store(engine).write(batch)
    assert stored_rows(engine) == merged_rows(scenario)


@sized
def test_racing_writers_leave_no_trace(database_url: str):
    """Several workers that write the same keys at once give the same rows as one; deadlocks are retried."""
    chance = random.Random(7)
    ids = [f"{number}" for number in range(20)]
    scenario: list[Record] = [
        Message(
            msg_id=chance.choice(ids),
            final=chance.random() < 0.3,
            status_at=NOON + timedelta(seconds=chance.randrange(5)),
            rank=chance.randrange(4),
            status=chance.choice(["A", "B", "C"]),
            first_seen_at=NOON + timedelta(seconds=chance.randrange(50)),
        )
        for _ in range(size(500, 1500))
    ] + [InboundMessage(id=chance.choice(ids), text=str(chance.random())) for _ in range(size(150, 500))]

    def work(seed: int) -> None:
        engine = create_store_engine(database_url)
        store = Store(engine)
        for batch in redelivered(scenario, random.Random(seed)):
            store.write(batch)
        engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    engine = create_store_engine(database_url)
    assert stored_rows(engine) == merged_rows(scenario)
    engine.dispose()


def test_racing_writers_of_undated_entries_keep_the_earliest(database_url: str):
    """Of each status without a time one entry stays, the earliest, however many workers write repeats at once."""
    chance = random.Random(11)
    scenario: list[Record] = [
        MessageStatus(chance.choice("abc"), "ACCEPTED", NOON + timedelta(seconds=chance.randrange(40)), undated)
        for undated in (True, None) for _ in range(100)
    ] + [
        CallStatus("outbound", chance.choice("abc"), "busy", NOON + timedelta(seconds=chance.randrange(40)), True)
        for _ in range(100)
    ]  # fmt: skip

    def work(seed: int) -> None:
        engine = create_store_engine(database_url)
        for batch in redelivered(scenario, random.Random(seed)):
            Store(engine).write(batch)
        engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    engine = create_store_engine(database_url)
    assert stored_rows(engine) == merged_rows(scenario)
    engine.dispose()


def test_changed_at_moves_only_with_a_difference(engine: Engine):
    """A repeat leaves `changed_at` as it is; a change of any other column moves it."""
    store = Store(engine)
    message = Message(msg_id="1", final=False, status_at=NOON, rank=1, status="ACCEPTED", result="pending")

    def changed_at() -> object:
        with engine.connect() as connection:
            return connection.execute(select(messages.c.changed_at)).scalar_one()

    store.write([message])
    first = changed_at()
    store.write([message])
    store.write([replace(message, status_at=NOON - timedelta(hours=1), status="BUFFERED")])
    assert changed_at() == first
    store.write([replace(message, foreign_id="order-7")])
    assert changed_at() > first
