"""Records: the same facts become the same rows, in any order, repeated or split."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, permutations
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven import records
from seven.archive_records import OUTCOMES, ArchivedDelivery, DeadLetter
from seven.event import Event
from seven.events import EVENT_TYPES
from seven.histories import is_undated
from seven.joins import Join
from seven.record import JOINS, Record, fold
from seven.records import RECORDS, LinkEvent, Message
from tests.extent import examples

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

# Small, so that values collide. By code point "\uffff" is below "👍", by UTF-16 above; "ß" folds to "ss".
POOLS: dict[Any, list[Any]] = {
    str: ["", " ", "0", "10", "9", "A", "a", "ß", "ss", "\uffff", "👍", "\ufffd"],
    int: [0, 1, 9, 10, 2**31 - 1],
    bool: [False, True],
    float: [-90.0, 0.0, 52.520008, 180.0],
    Decimal: [Decimal(0), Decimal("0.075"), Decimal("0.07500001"), Decimal(100)],
    datetime: [datetime(2000, 1, 1, tzinfo=UTC), NOON, NOON + timedelta(microseconds=1), NOON + timedelta(days=1)],
}
MODEST = examples(20, 60)

every_record = pytest.mark.parametrize("record", RECORDS, ids=[record.table for record in RECORDS])


def of(record: type[Record], keys: int = 2) -> st.SearchStrategy[Record]:
    """Records of one class, with at most `keys` values for each field of its key."""
    hints = get_type_hints(record)
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for name, field_join in JOINS[record].field_joins.items():
        kind = next(kind for kind in POOLS if hints[name] in (kind, kind | None))
        pool = list(field_join.order) or POOLS[kind]
        drawn[name] = st.sampled_from(pool[:keys] if field_join.join is Join.KEY else [None, *pool])
    return st.builds(record, **drawn)


@every_record
@MODEST
@given(drawn=st.data())
def test_merging_is_a_join(record: type[Record], drawn: st.DataObject):
    """Merging is commutative, associative and idempotent for every record class."""
    first, second, third = (drawn.draw(of(record, keys=1)) for _ in range(3))

    assert first.merge(second) == second.merge(first)
    assert first.merge(second).merge(third) == first.merge(second.merge(third))
    assert first.merge(first) == first
    assert first.merge(second).merge(second) == first.merge(second)


@every_record
@MODEST
@given(drawn=st.data())
def test_merging_invents_nothing(record: type[Record], drawn: st.DataObject):
    """Every value of a merged record is from one of the two, NULL only if both are; its standing is from a single one.

    A time in doubt is no time beside a record without doubt.
    """
    first, second = drawn.draw(of(record, keys=1)), drawn.draw(of(record, keys=1))
    joined, joins = first.merge(second), JOINS[record]
    for name in joins.field_joins:
        if joins.field_joins[name].join in (Join.EVIDENCE, Join.UNANIMOUS):  # two sources are neither of both
            continue
        assert getattr(joined, name) in (getattr(first, name), getattr(second, name))
    for name in (*joins.names(Join.GREATEST), *joins.names(Join.EARLIEST)):
        mark = joins.field_joins[name].unless
        sure = [each for each in (first, second) if mark is None or not getattr(each, mark)] or [first, second]
        assert (getattr(joined, name) is None) == all(getattr(each, name) is None for each in sure)
    highest = second if joins.is_above(second, first) else first
    assert not any(joins.is_above(*pair) for pair in permutations([joined, highest]))


@examples(60, 200)
@given(history=st.lists(st.one_of([of(record) for record in RECORDS]), max_size=20), chance=st.randoms())
def test_order_repeats_and_splits_leave_no_trace(history: list[Record], chance: Any):
    """Deliveries come at least once, unordered, to racing workers; the rows do not show it."""
    arrivals = history + chance.choices(history, k=len(history) // 2) if history else []
    chance.shuffle(arrivals)
    cut = chance.randint(0, len(arrivals))

    assert fold(arrivals) == fold(history)
    assert fold(chain(fold(arrivals[cut:]), fold(arrivals[:cut]), fold(arrivals))) == fold(history)


@examples(30, 100)
@given(history=st.lists(st.one_of([of(record) for record in RECORDS]), max_size=20))
def test_a_fold_is_one_row_per_key_in_order(history: list[Record]):
    """A fold has one record per table and key, sorted so that racing writers do not deadlock."""
    rows = [(record.table, record.key) for record in fold(history)]
    repeats = {(record.table, record.key) for record in history if is_undated(record)} - {*rows}

    assert rows == sorted({(record.table, record.key) for record in history} - repeats)


def test_every_record_class_is_listed():
    """Every record class is in `RECORDS`, with its own table, a key that cannot be NULL, and joins."""
    defined = {value for value in vars(records).values() if isinstance(value, type) and issubclass(value, Record)}

    assert set(RECORDS) == defined - {Record}
    assert len({record.table for record in RECORDS}) == len(RECORDS)
    for record in RECORDS:
        hints = get_type_hints(record)
        assert [field.name for field in fields(record)] == list(JOINS[record].field_joins)
        assert JOINS[record].names(Join.KEY)
        for name, field_join in JOINS[record].field_joins.items():
            assert (field_join.join is Join.KEY) == (type(None) not in getattr(hints[name], "__args__", ()))


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        pytest.param([None, None], None, id="NULL"),
        pytest.param([None, ""], "", id="empty over NULL"),
        pytest.param([None, "", "order-1"], "order-1", id="a text over empty and NULL"),
        pytest.param(["order-1", "order-2"], "order-2", id="the greater of two"),
        pytest.param(["a", "B"], "a", id="by code point, not by language"),
        pytest.param(["\uffff", "👍"], "👍", id="by code point, not by UTF-16"),
        pytest.param(["9", "10"], "9", id="as text, not as number"),
    ],
)
def test_the_greatest_text_wins(values: list[str | None], kept: str | None):
    """A text wins over NULL and empty, and the greater of two by code point, in any order."""
    for order in permutations(values):
        (message,) = fold(Message(msg_id="1", foreign_id=value) for value in order)
        assert message == Message(msg_id="1", foreign_id=kept)


def test_first_and_last_times():
    """A message keeps its earliest and latest time; the nth click keeps its earliest."""
    times = [NOON, NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)]

    (message,) = fold(Message(msg_id="1", first_seen_at=at, last_seen_at=at) for at in times)
    (click,) = fold(LinkEvent(sms_id="1", tracking_url="u", type="click", nth=1, at=at) for at in times)

    assert (message.first_seen_at, message.last_seen_at) == (times[1], times[2])
    assert click.at == times[1]


def status_records(event_type: str, statuses: Iterable[tuple[str, int]], **more: Any) -> list[Record]:
    """The records of statuses of one message or call, each given with its seconds after noon."""
    ids = {"dlr": "msg_id", "voice_status": "id"}
    history: list[Record] = []
    for status, second in statuses:
        at = NOON + timedelta(seconds=second)
        event: Event = EVENT_TYPES[event_type].parse(
            {ids[event_type]: "1", "status": status, "timestamp": int(at.timestamp()), **more}, at, at
        )
        history += event.project()
    return history


def standing_of(records_: Iterable[Record]) -> tuple[Any, ...]:
    record: Any = next(row for row in fold(records_) if row.table in ("messages", "calls"))
    return record.status, int((record.status_at - NOON).total_seconds())


@pytest.mark.parametrize(
    ("event_type", "statuses", "standing"),
    [
        pytest.param("dlr", [("TRANSMITTED", 0), ("DELIVERED", 9)], ("DELIVERED", 9), id="on the way, then final"),
        pytest.param("dlr", [("DELIVERED", 0), ("TRANSMITTED", 9)], ("DELIVERED", 0), id="late transmitted"),
        pytest.param("dlr", [("FAILED", 0), ("BUFFERED", 9)], ("FAILED", 0), id="late buffered"),
        pytest.param("dlr", [("DELIVERED", 0), ("TOMORROW", 9)], ("DELIVERED", 0), id="final, then unknown"),
        pytest.param("dlr", [("ACCEPTED", 9), ("TRANSMITTED", 0)], ("ACCEPTED", 9), id="on the way: the later"),
        pytest.param("dlr", [("TRANSMITTED", 0), ("TOMORROW", 9)], ("TOMORROW", 9), id="unknown, but later"),
        pytest.param("dlr", [("ACCEPTED", 0), ("BUFFERED", 0), ("TRANSMITTED", 0)], ("TRANSMITTED", 0), id="by rank"),
        pytest.param("dlr", [("ACCEPTED", 0), ("TOMORROW", 0)], ("ACCEPTED", 0), id="unknown below known, at once"),
        pytest.param("dlr", [("TODAY", 0), ("TOMORROW", 0)], ("TOMORROW", 0), id="two unknown at once: by text"),
        pytest.param(
            "dlr", [("delivered", 0), ("DELIVERED", 0)], ("delivered", 0), id="one status in two cases: by text"
        ),
        pytest.param("dlr", [("DELIVERED", 0), ("FAILED", 9)], ("FAILED", 9), id="final against final: the later"),
        pytest.param("dlr", [("EXPIRED", 0), ("DELIVERED", 9)], ("DELIVERED", 9), id="delivered after it expired"),
        pytest.param("dlr", [("DELIVERED", 0), ("EXPIRED", 0)], ("DELIVERED", 0), id="final against final, at once"),
        pytest.param("dlr", [("FAILED", 5), ("FAILED", 9)], ("FAILED", 9), id="one status at two times"),
        pytest.param("voice_status", [("initiated", 0), ("completed", 9)], ("completed", 9), id="a call, completed"),
        pytest.param("voice_status", [("completed", 0), ("in-progress", 9)], ("completed", 0), id="late in progress"),
        pytest.param(
            "voice_status",
            [("queued", 0), ("initiated", 0), ("ringing", 0), ("in-progress", 0)],
            ("in-progress", 0),
            id="a call in one second",
        ),
        pytest.param(
            "voice_status", [("voicemail", 0), ("queued", 0)], ("queued", 0), id="a call: unknown below known"
        ),
        pytest.param(
            "voice_status", [("no-answer", 0), ("completed", 0)], ("completed", 0), id="a call: final, at once"
        ),
    ],
)
def test_which_status_stands(event_type: str, statuses: list[tuple[str, int]], standing: tuple[str, int]):
    """The standing goes by final, time, rank and text, in any order of arrival; the history has all statuses."""
    for order in permutations(statuses):
        rows = fold(status_records(event_type, order))

        assert standing_of(rows) == standing
        assert sum(row.table in ("message_statuses", "call_statuses") for row in rows) == len(statuses)


@examples(30, 100)
@given(
    statuses=st.lists(
        st.tuples(st.sampled_from(["ACCEPTED", "TRANSMITTED", "FAILED", "DELIVERED", "TODAY"]), st.integers(0, 2)),
        min_size=1,
        max_size=6,
    )
)
def test_the_standing_is_the_greatest(statuses: list[tuple[str, int]]):
    """The standing is the greatest status by final, time, rank and text."""
    known = ["ACCEPTED", "TRANSMITTED", "FAILED", "DELIVERED"]

    def sort_key(report: tuple[str, int]) -> tuple[Any, ...]:
        status, second = report
        return status in ("FAILED", "DELIVERED"), second, known.index(status) if status in known else -1, status

    assert standing_of(status_records("dlr", statuses)) == max(statuses, key=sort_key)


def test_an_outcome_keeps_its_own_reason():
    """The highest outcome of a delivery stands, with its own reason."""
    rows = [ArchivedDelivery(id="1", outcome=outcome, reason=f"why {outcome}") for outcome in OUTCOMES[:-1]]
    applied = ArchivedDelivery(id="1", outcome=OUTCOMES[-1])

    for count in range(1, len(rows) + 1):
        for order in permutations(rows[:count]):
            assert fold(order) == [rows[count - 1]]
    assert fold([applied, *rows]) == fold([*rows, applied]) == [applied]


def test_a_dead_letter_keeps_its_last_failure():
    """The reason of the later failure stands."""
    first = DeadLetter(id="1", failed_at=NOON, reason="z", attempts=1)
    second = DeadLetter(id="1", failed_at=NOON + timedelta(seconds=1), reason="a", attempts=2)

    assert fold([first, second]) == fold([second, first]) == [second]
