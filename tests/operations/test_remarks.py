"""Remarks: an optional field that makes no sense is ignored and named, by worker, replay and rebuild alike."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.trace import latest_deliveries, trace_story
from seven.archive_records import ArchivedDelivery, DeadLetter, DeadLetterFailure
from seven.record import Record, fold
from seven.timestamps import TOO_FAR_AHEAD
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Store
from tests.factories.archive import NOON, delivered, previews, rebuilt, rows
from tests.factories.dead_letters import replayed, write
from tests.factories.envelopes import Accept, envelope
from tests.factories.rows import empty
from workers.consumer import Consumer
from workers.metrics import WorkerMetrics

DAY = timedelta(days=1)
REPORT = {"msg_id": "7", "status": "DELIVERED"}
CALL = {"id": "300", "status": "completed", "timestamp": NOON.timestamp() - 9}
NO_TIME = "neither an epoch nor YYYY-MM-DD HH:MM:SS, with or without offset"

CASES = [
    pytest.param("dlr", {**REPORT, "timestamp": "0000-00-00 00:00:00"}, "timestamp: no such time", NOON, id="zeros"),
    pytest.param("dlr", {**REPORT, "timestamp": "0"}, "timestamp: an absurd time: before 2000", NOON, id="zero"),
    pytest.param("dlr", {**REPORT, "timestamp": "null"}, f"timestamp: {NO_TIME}", NOON, id="null, as text"),
    pytest.param("dlr", {**REPORT, "timestamp": 4070908800}, f"timestamp: {TOO_FAR_AHEAD}", NOON, id="the year 2099"),
    pytest.param(
        "dlr", {**REPORT, "timestamp": (NOON + 2 * DAY).isoformat()}, f"timestamp: {TOO_FAR_AHEAD}", NOON,
        id="in two days",
    ),
    pytest.param("dlr", {**REPORT, "timestamp": (NOON.timestamp() - 9) * 1000}, None, NOON, id="milliseconds"),
    pytest.param("sms_mo", {"id": "9", "sender": "49151", "time": "soon"}, f"time: {NO_TIME}", NOON, id="an SMS"),
    pytest.param("voice_call", {"id": 9, "caller": "49151", "time": []}, "time: a time is expected", NOON, id="a call"),
    pytest.param("voice_status", CALL | {"total_price": "1e999"}, "total_price: an absurd price", NOON, id="a price"),
    pytest.param("voice_status", CALL | {"duration": "n/a"}, "duration: a number is expected", NOON, id="a duration"),
    pytest.param(
        "tracking", {"sms_id": "7", "tracking_url": "u", "type": "click", "total_clicks": "many", "total_views": 2},
        "total_clicks: a number is expected", NOON, id="a total",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("event_type", "fields", "remark", "at"), CASES)
def test_worker_replay_and_rebuild_agree(
    engine: Engine, event_type: str, fields: Mapping[str, Any], remark: str | None, at: datetime
):
    """Whoever applies it, and however much later, the rows are the same: no time becomes plausible by waiting."""
    consumed = delivered(1, event_type, fields)
    write(engine, consumed)
    right = rows(engine)
    (delivery,) = deliveries(engine)
    assert (delivery.outcome, delivery.reason, delivery.remark) == ("applied", None, remark)
    assert delivery.event_at == (at if remark and "time" in remark.partition(":")[0] else delivery.event_at)

    with time_machine.travel(NOON + 30 * DAY, tick=True):
        assert not [change for done in previews(engine) for change in done.refolded.changes + done.refolded.moved]
        rebuilt(engine)
        assert rows(engine) == right

    empty(engine)
    with time_machine.travel(NOON):
        write(engine, consumed.dead("could not be projected: KeyError"))
    with time_machine.travel(NOON + 30 * DAY, tick=True):
        assert replayed(engine).count("applied") == 1
        assert records(engine) == fold(consumed.records)
        rebuilt(engine)
        assert records(engine) == fold(consumed.records)
    (delivery,) = deliveries(engine)
    assert (delivery.outcome, delivery.reason, delivery.remark) == ("applied", None, remark)


@pytest.mark.parametrize(("event_type", "fields", "remark", "at"), CASES)
def test_what_older_code_parked_can_be_replayed(
    engine: Engine, event_type: str, fields: Mapping[str, Any], remark: str | None, at: datetime
):
    """A delivery that an older worker parked for such a field is applied by a replay."""
    consumed = delivered(1, event_type, fields)
    parked = replace(consumed.delivery, outcome="parked", reason=f"{event_type}: {remark}", remark=None, subject=None)
    Store(engine).write([replace(parked, event_at=None, applied_at=None)])

    with time_machine.travel(NOON + DAY / 2, tick=True):
        assert replayed(engine).count("applied") == 1
    (delivery,) = deliveries(engine)
    assert (delivery.outcome, delivery.reason, delivery.remark) == ("applied", None, remark)
    assert (delivery.subject, delivery.event_at) == (consumed.delivery.subject, consumed.delivery.event_at)


def test_an_older_remark_is_corrected(engine: Engine):
    """A rebuild stores the remark of today's code, also on rows from before there were any, and changes nothing else."""
    consumed = delivered(1, "dlr", {**REPORT, "timestamp": "soon"})
    write(engine, consumed)
    right = rows(engine)
    for older in (None, "timestamp: for another reason"):
        empty(engine)
        write(engine, replace(consumed, delivery=replace(consumed.delivery, remark=older)))
        assert [row.refolded.moved[0][3] for row in previews(engine)] == [f"timestamp: {NO_TIME}"]
        rebuilt(engine)
        assert rows(engine) == right


def test_remarks_are_counted_and_shown(ledger: Ledger, engine: Engine, accept: Accept):
    """The worker counts deliveries with a remark, once they are committed; `trace` shows the remark."""
    registry = CollectorRegistry()
    consumer = Consumer(ledger, Store(engine), CircuitBreaker(0.0), WorkerMetrics(registry))
    count = "seven_deliveries_remarked_total"
    assert registry.get_sample_value(count, {"event_type": "dlr"}) == 0
    sent = [envelope("1", timestamp="soon"), envelope("2"), envelope("3", msg_id=None), envelope("4", timestamp=[])]
    consumer.consume("dlr", [accept(*sent)])
    assert registry.get_sample_value(count, {"event_type": "dlr"}) == 2
    with engine.connect().execution_options(reads=True) as connection:
        latest = {row["id"]: row["remark"] for row in latest_deliveries(connection)}
        story = trace_story(connection, "1")
    assert latest == {"1": f"timestamp: {NO_TIME}", "2": None, "3": None, "4": "timestamp: a time is expected"}
    assert story.delivery
    assert story.delivery["remark"] == f"timestamp: {NO_TIME}"


def records(engine: Engine) -> list[Record]:
    """All rows but those of deliveries and dead letters."""
    return fold(
        row for row in rows(engine).values() if not isinstance(row, (ArchivedDelivery, DeadLetter, DeadLetterFailure))
    )


def deliveries(engine: Engine) -> list[ArchivedDelivery]:
    return [record for record in rows(engine).values() if isinstance(record, ArchivedDelivery)]
