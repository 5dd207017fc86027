"""Records that cannot be merged: the one delivery is buried, and all others of its batch are applied."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, ClassVar, cast

import pytest
from sqlalchemy import Engine, select

from ledger.client import Ledger
from operations.replay import ReplayPlan, replay
from seven.envelope import Envelope
from seven.joins import key
from seven.record import Record, record_class
from seven.records import Message, OptOut
from store.projection import project_batch
from store.row_writer import Store
from store.schema import dead_letters, messages
from tests.factories.dead_letters import batch_of, letters, write
from tests.factories.envelopes import NOW, envelope
from tests.factories.event_types import understood
from tests.workers.dying_workers import die_over, outcomes
from workers.consumer import Consumer


@record_class
class Nowhere(Record):
    """A record without a table."""

    table: ClassVar[str] = "nowhere"

    id: str = key()


def without_key(msg_id: str) -> Iterable[Record]:
    recipient = cast("str", None) if msg_id == "bad" else "4915112345"
    return [OptOut(number="49170", recipient=recipient, channel="sms", since=NOW, state="out")]


def of_two_kinds(msg_id: str) -> Iterable[Record]:
    at = cast("Any", "soon") if msg_id == "bad" else NOW
    return [Message(msg_id="7", status="READ", status_at=at, read_at=at)]


def without_table(msg_id: str) -> Iterable[Record]:
    return [Nowhere(msg_id)] if msg_id == "bad" else [Message(msg_id=msg_id)]


def with_exhausted_stack(msg_id: str) -> Iterable[Record]:
    class Endless(Message):
        def merge(self, other: Any) -> Any:
            return self.merge(other)

    return [Endless(msg_id="7"), Endless(msg_id="7")] if msg_id == "bad" else [Message(msg_id=msg_id)]


FAULTS = pytest.mark.parametrize(
    "project",
    [
        pytest.param(without_key, id="a key without a value"),
        pytest.param(of_two_kinds, id="two kinds of values"),
        pytest.param(without_table, id="no such table"),
        pytest.param(with_exhausted_stack, id="a merge without end"),
    ],
)
APPLIED = {f"innocent {number}": "applied" for number in range(8)} | {"good": "applied"}


def coined(name: str) -> Envelope:
    return envelope(name, "mms", {"webhook_event": "mms", "data": {"msg_id": name}})


def deliveries_around_the_bad() -> list[Envelope]:
    innocent = [envelope(name, msg_id=str(number)) for number, name in enumerate(sorted(APPLIED)[1:])]
    return [*innocent[:4], coined("bad"), coined("good"), *innocent[4:]]


def reasons(engine: Engine) -> dict[str, str]:
    with engine.connect().execution_options(reads=True) as connection:
        return {row.id: row.reason for row in connection.execute(select(dead_letters.c.id, dead_letters.c.reason))}


@FAULTS
def test_the_delivery_that_cannot_be_merged_is_buried_alone(
    consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any, project: Callable[[str], Iterable[Record]]
):
    """Its batch is settled; the batches announced with it are applied as well."""
    with understood("mms", project):
        batches = [accept(*deliveries_around_the_bad()), accept(envelope("other", msg_id="99"))]
        consumer.consume("dlr", batches)
    assert outcomes(engine) == APPLIED | {"bad": "dead", "other": "applied"}
    ((name, reason),) = reasons(engine).items()
    assert (name, reason.partition(": ")[0]) in {("bad", "could not be merged"), ("bad", "refused by the database")}
    assert "49170" not in reason
    assert ledger.redis.hlen("seven:batches") == 0


@FAULTS
def test_a_suspect_batch_with_such_a_delivery_is_settled(
    redis_url: str,
    consumer: Consumer,
    ledger: Ledger,
    engine: Engine,
    accept: Any,
    project: Callable[[str], Iterable[Record]],
):
    """Also one envelope at a time, after deaths of workers."""
    with understood("mms", project):
        batch = accept(*deliveries_around_the_bad())
        die_over(redis_url, batch, 4)
        consumer.consume("dlr", [batch])
    assert outcomes(engine) == APPLIED | {"bad": "dead"}
    assert ledger.redis.hlen("seven:batches") == 0


@FAULTS
def test_a_replay_buries_such_a_delivery_alone(engine: Engine, project: Callable[[str], Iterable[Record]]):
    """The plan and the replay go on with the others; the delivery is a dead letter, whatever it was before."""
    parked = project_batch(batch_of(*(coined(name).line() for name in ("bad", "good")), queue="parked"))
    write(engine, *parked)
    with understood("mms", project):
        plan = ReplayPlan(engine)
        plan.add(["bad", "good"])
        assert plan.replayed.count("applied") >= 1
        replay(Store(engine), ["bad", "good"])
    assert outcomes(engine) == {"bad": "dead", "good": "applied"}
    assert set(letters(engine)) == {"bad"}


def test_a_failure_of_this_machine_buries_nothing(consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any):
    """Without memory the batch stays in the ledger, complete."""

    def without_memory(msg_id: str) -> Iterable[Record]:
        class Huge(Message):
            def merge(self, other: Any) -> Any:
                raise MemoryError

        return [Huge(msg_id=msg_id), replace(Huge(msg_id=msg_id), status="READ")]

    with understood("mms", without_memory), pytest.raises(MemoryError):
        consumer.consume("dlr", [accept(coined("one"))])
    assert (outcomes(engine), ledger.redis.hlen("seven:batches")) == ({}, 1)
    consumer.consume("dlr", [name.decode() for name in ledger.redis.hkeys("seven:batches")])
    assert outcomes(engine) == {"one": "parked"}
    with engine.connect() as connection:
        assert connection.execute(select(messages)).all() == []
