"""Delivery outcomes, and repeats: what became of deliveries, on both databases."""

from sqlalchemy import Engine, update

from emulator.irregularities import make_irregular
from emulator.scenarios import plan_deliveries, scenario
from operations import delivery_outcomes as module
from operations.delivery_outcomes import DeliveryOutcomes, count_stored, delivery_outcomes
from operations.repeats import StoredDelivery, stored_delivery
from store.delivery_rows import Projection
from store.schema import deliveries
from tests.factories.archive import NOON, delivered, delivery_id, keep

CLICK = {"sms_id": "7", "tracking_url": "https://go.example/1", "type": "click"}
SMALL = [
    delivered(0, "dlr", {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:09"}),
    delivered(1, "dlr", {"msg_id": "7", "status": "ACCEPTED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(2, "dlr", {"msg_id": "7", "status": "ACCEPTED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(3, "dlr", {"msg_id": "8", "state": "FAILED"}),
    delivered(4, "tracking", CLICK | {"total_clicks": 1}),
    delivered(5, "tracking", CLICK | {"total_clicks": 4}),
    delivered(6, "voice_call", {"id": 300, "caller": "447700900002", "time": 1774785600}),
    delivered(7, "sms_mo", {"id": "7", "sender": "447700900001", "text": "yes", "time": "1774785600"}),
]


def ids_of(projections: list[Projection]) -> list[str]:
    return [projection.delivery.id for projection in projections]


def outcomes(engine: Engine, ids: list[str]) -> DeliveryOutcomes:
    with engine.connect().execution_options(reads=True) as connection:
        return delivery_outcomes(connection, ids)


def stored(engine: Engine, name: str) -> StoredDelivery | None:
    with engine.connect().execution_options(reads=True) as connection:
        return stored_delivery(connection, name)


def test_each_kind_is_counted(engine: Engine):
    """A repeat is no late status, one that is not understood is neither, and other deliveries do not count."""
    keep(engine, SMALL)
    keep(engine, [delivered(99, "dlr", {"msg_id": "9", "status": "FAILED"})])
    assert outcomes(engine, ids_of(SMALL)[::-1]) == DeliveryOutcomes(
        outcomes={"applied": 7, "parked": 1}, repeats=1, late=1, unreported={"click": 2},
        messages={"delivered": 1}, calls={"inbound": 1}, inbound_messages=1, links=1,
    )  # fmt: skip


def test_a_repeat_of_another_delivery_is_a_repeat(engine: Engine):
    """What came before the deliveries in question counts, what came after them does not."""
    keep(engine, SMALL)
    assert outcomes(engine, ids_of(SMALL)[2:3]).repeats == 1
    assert outcomes(engine, ids_of(SMALL)[1:2]).repeats == 0


def test_an_irregular_scenario(engine: Engine, monkeypatch):
    """The figures are those of the plan, in whichever portions the rows are read."""
    events = make_irregular(scenario(1, now=NOON))
    planned = plan_deliveries(events, seed=1, duplicates=0.1)
    projections = [delivered(n, delivery.event.event_type, delivery.event.fields) for n, delivery in enumerate(planned)]
    keep(engine, projections)
    ids = ids_of(projections)
    whole = outcomes(engine, ids)
    assert whole.outcomes == {"applied": len(planned) - 1, "parked": 1}
    assert (whole.repeats, whole.late, whole.unreported) == (len(planned) - len(events), 1, {"click": 1})
    assert whole.messages == {"delivered": 32 + 5, "failed": 8}
    assert whole.deliveries == len(planned)
    monkeypatch.setattr(module, "PORTION", 7)
    assert outcomes(engine, ids) == whole


def test_stored_deliveries_are_counted_in_order(engine: Engine, monkeypatch):
    """Only what is complete counts: deliveries are applied about in the order in which they came."""
    monkeypatch.setattr(module, "PORTION", 2)
    keep(engine, [SMALL[0], SMALL[1], SMALL[2], SMALL[7]])
    with engine.connect().execution_options(reads=True) as connection:
        assert count_stored(connection, ids_of(SMALL)) == 3
        assert count_stored(connection, []) == 0


def test_a_repeat_names_the_first_delivery_with_its_content(engine: Engine):
    """The first one, not the one before; none for the first itself, nor for one without a row."""
    keep(engine, SMALL)
    again = delivered(9, "dlr", {"msg_id": "7", "status": "ACCEPTED", "timestamp": "2026-03-29 10:00:00"})
    parked = delivered(10, "dlr", {"msg_id": "8", "state": "FAILED"})
    keep(engine, [again, parked])
    assert stored(engine, again.delivery.id) == StoredDelivery("applied", SMALL[1].delivery.id, NOON)
    assert stored(engine, parked.delivery.id) == StoredDelivery("parked", SMALL[3].delivery.id, NOON)
    assert stored(engine, SMALL[1].delivery.id) == StoredDelivery("applied")
    assert stored(engine, delivery_id(NOON, 4711)) is None


def test_a_blanked_content_has_no_repeat(engine: Engine):
    """Retention and erasure remove digests: two deliveries without one are no repeats of each other."""
    keep(engine, SMALL)
    with engine.begin() as connection:
        connection.execute(update(deliveries).values(payload=None, digest=None))
    assert stored(engine, SMALL[2].delivery.id) == StoredDelivery("applied")
    assert outcomes(engine, ids_of(SMALL)).repeats == 0
