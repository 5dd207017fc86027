"""Records: in any order, however often and however split, the same facts become the same rows."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, permutations
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seven import records
from seven.event import Event
from seven.events import EVENT_TYPES
from seven.joins import Join
from seven.records import OUTCOMES, RECORDS, SHAPES, ArchivedDelivery, DeadLetter, LinkEvent, Message, Record, fold

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

# Small, so that values collide. By code point "\uffff" is below "👍", by UTF-16 above; "ß" folds to "ss".
POOLS: dict[Any, list[Any]] = {
    str: ["", " ", "0", "10", "9", "A", "a", "ß", "ss", "\uffff", "👍", "\ufffd"],
    int: [0, 1, 9, 10, 2**31 - 1],
    bool: [False, True],
    Decimal: [Decimal(0), Decimal("0.075"), Decimal("0.07500001"), Decimal(100)],
    datetime: [datetime(2000, 1, 1, tzinfo=UTC), NOON, NOON + timedelta(microseconds=1), NOON + timedelta(days=1)],
}
MODEST = settings(max_examples=60, deadline=None)

every_record = pytest.mark.parametrize("record", RECORDS, ids=[record.table for record in RECORDS])


def of(record: type[Record], keys: int = 2) -> st.SearchStrategy[Record]:
    """Records of one class, about at most so many values of each field of its key."""
    hints = get_type_hints(record)
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for name, declared in SHAPES[record].declared.items():
        kind = next(kind for kind in POOLS if hints[name] in (kind, kind | None))
        pool = list(declared.order) or POOLS[kind]
        drawn[name] = st.sampled_from(pool[:keys] if declared.join is Join.KEY else [None, *pool])
    return st.builds(record, **drawn)


@every_record
@MODEST
@given(drawn=st.data())
def test_merging_is_a_join(record: type[Record], drawn: st.DataObject):
    """Of every class of records, merging is commutative, associative and idempotent."""
    one, two, three = (drawn.draw(of(record, keys=1)) for _ in range(3))

    assert one.merge(two) == two.merge(one)
    assert one.merge(two).merge(three) == one.merge(two.merge(three))
    assert one.merge(one) == one
    assert one.merge(two).merge(two) == one.merge(two)


@every_record
@MODEST
@given(drawn=st.data())
def test_merging_invents_nothing(record: type[Record], drawn: st.DataObject):
    """Every value of a joined record was told, NULL only where nothing was; and its standing was told as a whole."""
    one, two = drawn.draw(of(record, keys=1)), drawn.draw(of(record, keys=1))
    joined, shape = one.merge(two), SHAPES[record]

    for name in shape.declared:
        assert getattr(joined, name) in (getattr(one, name), getattr(two, name))
    for name in (*shape.names(Join.GREATEST), *shape.names(Join.EARLIEST)):
        assert (getattr(joined, name) is None) == (getattr(one, name) is None and getattr(two, name) is None)
    assert shape.sort_key(joined) == max(shape.sort_key(one), shape.sort_key(two))


@settings(max_examples=200, deadline=None)
@given(story=st.lists(st.one_of([of(record) for record in RECORDS]), max_size=20), chance=st.randoms())
def test_order_repeats_and_splits_leave_no_trace(story: list[Record], chance: Any):
    """Deliveries come at least once and in no order, to racing workers; what is kept must not show it."""
    told = story + chance.choices(story, k=len(story) // 2) if story else []
    chance.shuffle(told)
    cut = chance.randint(0, len(told))

    assert fold(told) == fold(story)
    assert fold(chain(fold(told[cut:]), fold(told[:cut]), fold(told))) == fold(story)


@settings(max_examples=100, deadline=None)
@given(story=st.lists(st.one_of([of(record) for record in RECORDS]), max_size=20))
def test_a_fold_is_one_row_per_key_in_order(story: list[Record]):
    """A fold has one record per table and key, and sorts them, so that racing writers do not deadlock."""
    places = [(record.table, record.key) for record in fold(story)]

    assert places == sorted({(record.table, record.key) for record in story})


def test_every_record_is_on_the_list():
    """Every class of records is in `RECORDS`, each with a table of its own, a key that cannot be NULL, and joins."""
    defined = {one for one in vars(records).values() if isinstance(one, type) and issubclass(one, Record)}

    assert set(RECORDS) == defined - {Record}
    assert len({record.table for record in RECORDS}) == len(RECORDS)
    for record in RECORDS:
        hints = get_type_hints(record)
        assert [field.name for field in fields(record)] == list(SHAPES[record].declared)
        assert SHAPES[record].names(Join.KEY)
        for name, declared in SHAPES[record].declared.items():
            assert (declared.join is Join.KEY) == (type(None) not in getattr(hints[name], "__args__", ()))


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        pytest.param([None, None], None, id="nothing"),
        pytest.param([None, ""], "", id="empty over nothing"),
        pytest.param([None, "", "order-1"], "order-1", id="a text over empty and nothing"),
        pytest.param(["order-1", "order-2"], "order-2", id="of two the greater"),
        pytest.param(["a", "B"], "a", id="by code point, not by language"),
        pytest.param(["\uffff", "👍"], "👍", id="by code point, not by UTF-16"),
        pytest.param(["9", "10"], "9", id="as text, not as number"),
    ],
)
def test_of_two_texts_the_one_that_says_something(values: list[str | None], kept: str | None):
    """A text stands over NULL and empty, and the greater of two by code point, in any order."""
    for told in permutations(values):
        (message,) = fold(Message(msg_id="1", foreign_id=value) for value in told)
        assert message == Message(msg_id="1", foreign_id=kept)


def test_times_are_the_first_and_the_last():
    """A message is first seen at the earliest time told, and last seen at the latest; the nth click was at its first."""
    times = [NOON, NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)]

    (message,) = fold(Message(msg_id="1", first_seen_at=at, last_seen_at=at) for at in times)
    (click,) = fold(LinkEvent(sms_id="1", tracking_url="u", type="click", nth=1, at=at) for at in times)

    assert (message.first_seen_at, message.last_seen_at) == (times[1], times[2])
    assert click.at == times[1]


def told(event_type: str, statuses: Iterable[tuple[str, int]], **more: Any) -> list[Record]:
    """The records of some statuses of one message or call, each so many seconds after noon."""
    ids = {"dlr": "msg_id", "voice_status": "id"}
    story: list[Record] = []
    for status, second in statuses:
        at = NOON + timedelta(seconds=second)
        event: Event = EVENT_TYPES[event_type].parse(
            {ids[event_type]: "1", "status": status, "timestamp": int(at.timestamp()), **more}, at, at
        )
        story += event.project()
    return story


def stands(story: Iterable[Record]) -> tuple[Any, ...]:
    record: Any = next(one for one in fold(story) if one.table in ("messages", "calls"))
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
            "dlr", [("delivered", 0), ("DELIVERED", 0)], ("delivered", 0), id="one word in two cases: by text"
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
    """Final first, then the later, then by rank, then by text; in whatever order they arrive, and all are history."""
    for order in permutations(statuses):
        rows = fold(told(event_type, order))

        assert stands(rows) == standing
        assert sum(row.table in ("message_statuses", "call_statuses") for row in rows) == len(statuses)


@settings(max_examples=100, deadline=None)
@given(
    statuses=st.lists(
        st.tuples(st.sampled_from(["ACCEPTED", "TRANSMITTED", "FAILED", "DELIVERED", "TODAY"]), st.integers(0, 2)),
        min_size=1,
        max_size=6,
    )
)
def test_the_standing_is_the_greatest(statuses: list[tuple[str, int]]):
    """What stands is the greatest by the rule as it is written down: final, time, rank, text."""
    known = ["ACCEPTED", "TRANSMITTED", "FAILED", "DELIVERED"]

    def sort_key(told: tuple[str, int]) -> tuple[Any, ...]:
        status, second = told
        return status in ("FAILED", "DELIVERED"), second, known.index(status) if status in known else -1, status

    assert stands(told("dlr", statuses)) == max(statuses, key=sort_key)


def test_an_outcome_brings_its_reason():
    """Of one delivery's outcomes the highest stands, with its own reason and no other's."""
    rows = [ArchivedDelivery(id="1", outcome=outcome, reason=f"why {outcome}") for outcome in OUTCOMES[:-1]]
    applied = ArchivedDelivery(id="1", outcome=OUTCOMES[-1])

    for sort_key in range(1, len(rows) + 1):
        for order in permutations(rows[:sort_key]):
            assert fold(order) == [rows[sort_key - 1]]
    assert fold([applied, *rows]) == fold([*rows, applied]) == [applied]


def test_a_dead_letter_tells_its_last_failure():
    """Of two failures of one delivery the later one's reason stands."""
    first = DeadLetter(id="1", failed_at=NOON, reason="z", attempts=1)
    second = DeadLetter(id="1", failed_at=NOON + timedelta(seconds=1), reason="a", attempts=2)

    assert fold([first, second]) == fold([second, first]) == [second]
