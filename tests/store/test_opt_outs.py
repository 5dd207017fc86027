"""Opt-outs in both databases: whatever the order, repeats and splits, the latest STOP or START of a number stands."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from seven.digest import short_digest
from seven.opt_out_words_file import built_in_words
from seven.opt_outs import opt_out_records, standing_by
from seven.record import Record
from seven.records import InboundMessage, OptOutEvent
from seven.timestamps import read_moment
from store.engine import create_store_engine
from store.row_writer import Store
from store.schema import opt_out_events, opt_outs
from tests.extent import examples, size, sized
from tests.factories.rows import NOON, empty, redelivered

WORDS = built_in_words()
NUMBER = "4915123456789"
NO_ID = short_digest("an SMS without an id")


class Report(NamedTuple):
    """One report of one message: at which second, with which word and id, and whether the message has that time."""

    second: int
    text: str
    id: str
    is_dated: bool = True

    @property
    def records(self) -> list[Record]:
        """What it adds."""
        message = InboundMessage(self.id, NUMBER, "4915199999999", self.text, NOON + timedelta(seconds=self.second))
        return list(opt_out_records(message, WORDS, 49, is_dated=self.is_dated))


def expected_state(reports: Sequence[Report]) -> str | None:
    """How the number stands, worked out without any join: the latest that counts, and STOP of one second."""
    counted = [report for report in reports if report.is_dated or (report.text == "STOP" and report.id == NO_ID)]
    undated = [report for report in reports if not report.is_dated and report.text == "STOP" and report.id != NO_ID]
    first = {id_: min(report.second for report in undated if report.id == id_) for id_ in {r.id for r in undated}}
    states = [(report.second, report.text == "STOP") for report in counted] + [(at, True) for at in first.values()]
    return {True: "out", False: "in", None: None}[max(states)[1] if states else None]


def stored_state(engine: Engine) -> str | None:
    """How the number stands."""
    with engine.connect().execution_options(reads=True) as connection:
        state: str | None = connection.execute(select(opt_outs.c.state)).scalar_one_or_none()
        return state


reports = st.builds(
    Report, st.integers(0, 3), st.sampled_from(["STOP", "START"]), st.sampled_from(["1", "2", NO_ID]), st.booleans()
)


@examples(15, 40)
@given(scenario=st.lists(reports, max_size=8), chance=st.randoms(use_true_random=False))
def test_the_latest_word_stands(engine: Engine, scenario: list[Report], chance: random.Random) -> None:
    """In any order, with repeats, in any split: dated, undated, with and without an id, within one second."""
    empty(engine)
    records = [record for report in scenario for record in report.records]
    for batch in redelivered(records, chance):
        Store(engine).write(_with_standings(batch))
    assert stored_state(engine) == expected_state(scenario)


def _with_standings(batch: list[Record]) -> list[Record]:
    """An entry and its standing are always written together."""
    events = [record for record in batch if isinstance(record, OptOutEvent)]
    return [*events, *(standing for event in events if (standing := standing_by(event)))]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_stop_start_stop(engine: Engine, order: tuple[int, ...]) -> None:
    """Three words of three seconds: the last STOP stands, in any order of arrival, and all three are history."""
    words = [Report(1, "STOP", "1"), Report(2, "START", "2"), Report(3, "Stopp!", "3")]
    for index in order:
        Store(engine).write(words[index].records)
    with engine.connect() as connection:
        assert connection.execute(select(opt_outs.c.state, opt_outs.c.inbound_id)).all() == [("out", "3")]
        assert len(connection.execute(select(opt_out_events)).all()) == 3


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_repeat_without_a_time_takes_no_start_back(engine: Engine, order: tuple[int, ...]) -> None:
    """A STOP without a time, reported again after the START: the first report counts, whichever comes first."""
    words = [Report(1, "STOP", "1", is_dated=False), Report(2, "START", "2"), Report(3, "STOP", "1", is_dated=False)]
    for index in order:
        Store(engine).write(words[index].records)
    assert stored_state(engine) == "in"


def test_the_doubled_hour(engine: Engine) -> None:
    """In the hour that autumn has twice, a STOP at 02:10 stands above a START at 02:50: it may be the later one."""
    for text, wall in (("STOP", "2025-10-26 02:10:00"), ("START", "2025-10-26 02:50:00")):
        Store(engine).write(
            opt_out_records(InboundMessage(text, NUMBER, None, text, read_moment(wall)), WORDS, 49, is_dated=True)
        )
    with engine.connect() as connection:
        rows = connection.execute(select(opt_outs.c.state, opt_outs.c.since)).all()
    assert rows == [("out", datetime(2025, 10, 26, 1, 10, tzinfo=UTC))]


@pytest.mark.parametrize("country_code", [49, 39, 352])
def test_a_sender_from_abroad_has_the_number_that_the_gateway_wrote(country_code: int) -> None:
    """An Italian or Luxembourg number could have these digits, too: the gateway's have their country code."""
    message = InboundMessage("1", "33612345678", "33700000001", "STOP", datetime(2026, 5, 1, tzinfo=UTC))
    keys = {(record.number, record.recipient) for record in opt_out_records(message, WORDS, country_code)}
    assert keys == {("33612345678", "33700000001")}


@sized
def test_racing_writers(database_url: str) -> None:
    """Writers at once, with undated repeats among them: the same standing as one after the other."""
    chance = random.Random(17)
    scenario = [
        Report(chance.randrange(40), chance.choice(["STOP", "START"]), str(chance.randrange(5)), chance.random() < 0.5)
        for _ in range(size(50, 150))
    ]

    def work(seed: int) -> None:
        engine, order = create_store_engine(database_url), random.Random(seed).sample(scenario, len(scenario))
        for report in order:
            Store(engine).write(report.records)
        engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    engine = create_store_engine(database_url)
    assert stored_state(engine) == expected_state(scenario)
    engine.dispose()
