"""Lasting erasure: after `forget` the same deliveries bring nothing back, by any way in, in both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.batch import Batch, Header
from ledger.client import Ledger
from operations.erasure import Eraser
from operations.rebuild import chunks, rebuild
from operations.replay import ReplayPlan, replay
from seven.archive_records import ArchivedDelivery, DeadLetter
from seven.envelope import Envelope
from seven.forgotten_numbers import ErasureKey
from seven.records import Call, InboundMessage, TrackedLink
from store.circuit_breaker import CircuitBreaker
from store.forgotten import ForgottenRegister
from store.projection import project_batch
from store.row_writer import Store
from tests.factories.archive import EVERYTHING, rows
from tests.factories.dead_letters import ids
from tests.factories.envelopes import NOW
from tests.factories.traces import NUMBER, OTHERS, THEIRS, all_text, consume_all, traces
from tests.operations.erasures import erased
from tests.seven.wire_forms import WIRE_FORMS, DeliveryContent
from tests.workers.dying_workers import outcomes
from workers.consumer import Consumer

KEY = ErasureKey("a-key-that-only-tests-know")
RECORDS = (InboundMessage, Call, TrackedLink)
AT = 1777600000
FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("dlr", {"msg_id": "71", "status": "DELIVERED", "timestamp": "2026-04-30 12:00:00.5", "foreign_id": THEIRS}),
    ("sms_mo", {"id": "1", "sender": THEIRS, "system": "4930123456", "text": "hello", "time": AT}),
    ("sms_mo", {"sender": f"+{THEIRS}", "system": "4930123456", "text": "no id", "time": AT}),
    ("sms_mo", {"id": "2", "sender": OTHERS, "text": "call 0151/234 56 78 (or not)", "time": AT}),
    ("sms_mo", {"id": "3", "sender": THEIRS, "text": "undated"}),
    ("tracking", {"sms_id": "8", "tracking_url": f"https://ul.gl/{THEIRS}", "type": "view", "total_views": 1}),
    ("voice_call", {"id": 5, "caller": f"00{THEIRS}", "system": "4930123456", "time": AT}),
    ("voice_call", {"id": 0, "caller": THEIRS, "system": "4930123456", "time": AT}),
    ("voice_status", {"id": "6", "status": "completed", "recipient": THEIRS, "timestamp": AT, "duration": 3}),
    (
        "rcs",
        {
            "id": 7,
            "sender": THEIRS,
            "time": AT,
            "message_type": "RCS",
            "content_type": "text",
            "agent_id": "shop",
            "text": "hi",
        },
    ),
    ("rcs", {"agent_id": "shop", "sender": THEIRS, "status": "READ", "msg_id": "72", "timestamp": str(AT)}),
    ("wa_mo", {"id": "w1", "sender": THEIRS, "system": "4930123456", "time": AT, "text": "hi"}),
    (
        "voice_dtmf",
        {
            "callerId": "4930123456",
            "recipient": THEIRS,
            "id": 6,
            "status": "in-progress",
            "dtmf_digit": "5",
            "timestamp": AT,
        },
    ),
    ("mms", {"from": {"number": [THEIRS]}, "time": AT}),
]
"""The person in every event type, and in a type of tomorrow."""
_NUMBERS = count()


def sent(
    event_type: str, fields: dict[str, Any], webhook_timestamp: str = "2026-05-01T05:06:40+02:00"
) -> Iterator[Envelope]:
    """The delivery in every wire form, as a receiver accepts it."""
    content = DeliveryContent(event_type, {"webhook_event": event_type, "webhook_timestamp": webhook_timestamp}, fields)
    for form in WIRE_FORMS.values():
        delivery = form(content).delivery
        yield Envelope(f"e{next(_NUMBERS)}", event_type, NOW, delivery.request_method, delivery.decode())


def by_queue() -> dict[str, list[Envelope | bytes]]:
    queues = traces(THEIRS, "a")
    for event_type, fields in FIELDS:
        queues.setdefault(event_type if event_type in queues else "parked", []).extend(sent(event_type, fields))
    return queues


@pytest.fixture
def register() -> ForgottenRegister:
    return ForgottenRegister(KEY)


@pytest.fixture
def lasting(engine: Engine, ledger: Ledger, register: ForgottenRegister) -> Consumer:
    """The consumer of a worker with the key."""
    return Consumer(ledger, Store(engine, register), CircuitBreaker(0.0))


@pytest.fixture
def forgotten(engine: Engine, ledger: Ledger, lasting: Consumer, accept: Any) -> int:
    """The person's deliveries, consumed and forgotten. The number of rows of records."""
    consume_all(lasting, accept, by_queue())
    assert NUMBER.is_in(all_text(engine))
    assert erased(engine, ledger, key=KEY).left is None
    assert not NUMBER.is_in(all_text(engine))
    return count_records(engine)


def count_records(engine: Engine) -> int:
    return len([row for row in rows(engine).values() if isinstance(row, RECORDS)])


def nothing_is_back(engine: Engine, ledger: Ledger) -> bool:
    return not NUMBER.is_in(all_text(engine)) and not Eraser(engine, ledger, NUMBER, KEY).find()


@pytest.mark.parametrize("suspect", [False, True], ids=["together", "alone"])
def test_a_worker_brings_nothing_back(
    engine: Engine, ledger: Ledger, lasting: Consumer, accept: Any, forgotten: int, suspect: bool
):
    """The same deliveries again, in every wire form: no number, no second row; each still counts as received."""
    for queue, lines in by_queue().items():
        batch = accept(*lines, queue=queue)
        if suspect:
            ledger.redis.hset("seven:in_hand", batch, "one two three")
        lasting.consume(queue, [batch])
        assert ledger.existing([batch]) == []
    assert nothing_is_back(engine, ledger)
    assert count_records(engine) == forgotten


def test_an_envelope_buried_unparsed_brings_nothing_back(
    engine: Engine, ledger: Ledger, lasting: Consumer, accept: Any, forgotten: int
):
    """Neither does an envelope over which workers died, which is not even parsed."""
    envelopes = [*sent(*FIELDS[1])]
    (batch,) = ledger.fetch([accept(*envelopes, queue="sms_mo")])
    assert isinstance(batch, Batch)
    ledger.redis.hset("seven:in_hand", batch.id, "one two three")
    for ordinal, _ in batch.numbered():
        ledger.redis.hset("seven:alone", f"{batch.id}:{ordinal}", "one two")
    lasting.consume("sms_mo", [batch.id])
    assert {outcomes(engine)[each.id] for each in envelopes} == {"dead"}
    assert nothing_is_back(engine, ledger)


def test_a_replay_brings_nothing_back(engine: Engine, ledger: Ledger, register: ForgottenRegister, forgotten: int):
    """Dead letters that a worker without the key has left: applied without the number, and blanked where they lie."""
    for queue, lines in by_queue().items():
        texts = [replace(line, id=f"again-{line.id}").line() for line in lines if isinstance(line, Envelope)]
        batch = Batch(f"again-{queue}", Header(queue, "l" * 32, 900, len(texts), NOW), texts)
        for projection in project_batch(batch):
            Store(engine).write(projection.dead("could not be projected: KeyError").rows())
    assert NUMBER.is_in(all_text(engine))
    plan = ReplayPlan(engine, register=register)
    plan.add(ids(engine))
    replay(Store(engine, register), ids(engine))
    assert not NUMBER.is_in(all_text(engine))
    assert nothing_is_back(engine, ledger)
    assert count_records(engine) == forgotten
    letters = [row for row in rows(engine).values() if isinstance(row, DeadLetter) and row.id.startswith("again-e")]
    assert {letter.envelope for letter in letters} == {None}


def test_a_rebuild_brings_nothing_back(
    engine: Engine, consumer: Consumer, accept: Any, register: ForgottenRegister, forgotten: int
):
    """Of payloads that a worker without the key has kept, a rebuild takes no number into any record."""
    sms, call = FIELDS[1][1] | {"id": "11"}, FIELDS[8][1] | {"id": "16"}
    consume_all(
        consumer, accept, {"sms_mo": list(sent("sms_mo", sms)), "voice_status": list(sent("voice_status", call))}
    )
    assert THEIRS in str([row for row in rows(engine).values() if isinstance(row, RECORDS)])
    results = [done for each in chunks(engine, EVERYTHING) for done in rebuild(Store(engine, register), each)]
    assert any(result.refolded.changes for result in results)
    assert not [row for row in rows(engine).values() if isinstance(row, (InboundMessage, Call)) and THEIRS in str(row)]


def test_a_repeat_may_renew_the_time_of_its_report(
    engine: Engine, ledger: Ledger, lasting: Consumer, accept: Any, forgotten: int
):
    """That time says nothing: what has no time of its own is not taken for new."""
    assert forgotten
    now = datetime.now(UTC) + timedelta(minutes=1)
    renewed = {"webhook_timestamp": now.isoformat()}
    for event_type, fields in (("sms_mo", {"id": "3", "sender": THEIRS, "text": "undated"}), ("mms", {"from": THEIRS})):
        repeat = Envelope(
            f"r-{event_type}", event_type, now, "JSON", renewed | {"webhook_event": event_type, "data": fields}
        )
        lasting.consume("sms_mo", [accept(repeat, queue="sms_mo")])
    assert nothing_is_back(engine, ledger)


def test_who_writes_anew_is_kept(engine: Engine, ledger: Ledger, lasting: Consumer, accept: Any, forgotten: int):
    """What is dated after the erasure is kept, until the next one."""
    later = (datetime.now(UTC) + timedelta(minutes=10)).replace(microsecond=0)
    received_at = later + timedelta(seconds=1)
    fields = {"id": "9", "sender": THEIRS, "text": "it is me", "time": int(later.timestamp())}
    tomorrows = {
        "webhook_event": "mms",
        "webhook_timestamp": later.isoformat(),
        "data": {"from": THEIRS, "time": fields["time"]},
    }
    envelopes = [
        Envelope("anew", "sms_mo", received_at, "JSON", {"webhook_event": "sms_mo", "data": fields}),
        Envelope("anew-parked", "mms", received_at, "JSON", tomorrows),
    ]
    lasting.consume("sms_mo", [accept(*envelopes, queue="sms_mo")])
    after = rows(engine)
    row = after["inbound_messages", ("9",)]
    assert isinstance(row, InboundMessage)
    assert (row.sender, row.text) == (THEIRS, "it is me")
    kept = after["deliveries", ("anew-parked",)]
    assert isinstance(kept, ArchivedDelivery)
    assert THEIRS in (kept.payload or "")
    assert erased(engine, ledger, key=KEY).left is None
    again = [replace(each, id=f"again-{each.id}") for each in envelopes[:1]]
    lasting.consume("sms_mo", [accept(*again, queue="sms_mo")])
    assert nothing_is_back(engine, ledger)


def test_other_people_are_untouched(engine: Engine, lasting: Consumer, consumer: Consumer, accept: Any, forgotten: int):
    """Deliveries of others have the rows that they would have without any forgotten number."""
    consume_all(lasting, accept, traces(OTHERS, "b"))
    with_key = of_others(engine)
    assert len(with_key) > 10
    consume_all(consumer, accept, traces(OTHERS, "b"))
    assert of_others(engine) == with_key


def of_others(engine: Engine) -> list[str]:
    """Their rows; consumed once more, a delivery has a later ordinal."""
    return sorted(
        str(replace(row, ordinal=0) if isinstance(row, ArchivedDelivery) else row)
        for row in rows(engine).values()
        if OTHERS in str(row)
    )
