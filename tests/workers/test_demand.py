"""Demand: workers, replay and the journal's pass note changes once somebody subscribes; rebuild and forget note none."""

from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.replay import replay
from seven.data_subject import message_id
from store.engine import create_store_engine
from store.row_writer import Store, StoreAway
from tests.factories.changes import at_second, noted, subscribe
from tests.factories.envelopes import Accept, envelope
from tests.operations.erasures import erased
from workers.consumer import Consumer
from workers.demand import FRESH_S, DemandCache


def dlr(name: str, status: str, second: int) -> Any:
    return envelope(name, msg_id="77", status=status, timestamp=at_second(second))


def test_a_worker_notes_what_changes(consumer: Consumer, accept: Accept, engine: Engine):
    """From when it has read who subscribes; the deliveries before are none of theirs."""
    consumer.consume("dlr", [accept(dlr("1", "TRANSMITTED", 1))])
    subscribe(engine, "shop", "message.delivered")
    consumer._demand = DemandCache(Store(engine))
    consumer.consume("dlr", [accept(dlr("2", "DELIVERED", 2), dlr("3", "DELIVERED", 2))])
    (change,) = noted(engine)
    assert (change.was, change.now, change.delivery_id) == ("TRANSMITTED", "DELIVERED", "2")


def test_who_subscribes_is_read_every_20_seconds(engine: Engine):
    """Not for each batch; and a database that does not answer holds the batch, as it would anyway."""
    seconds = 0.0
    demand = DemandCache(Store(engine), lambda: seconds)
    assert demand.topics() == frozenset()
    subscribe(engine, "shop", "call.status")
    seconds = FRESH_S
    assert demand.topics() == frozenset()
    seconds += 0.1
    assert demand.topics() == {"call.status"}
    away = create_store_engine("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreAway):
        DemandCache(Store(away)).topics()
    away.dispose()


def test_replay_notes_what_it_changes(consumer: Consumer, accept: Accept, engine: Engine):
    """A delivery that a later version understands is news; replayed once more it is not."""
    consumer.consume("parked", [accept(envelope("1", "rcs_coined", msg_id="77"), queue="parked")])
    subscribe(engine, "shop", "message.failed")
    store = Store(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE {'seven.' if engine.dialect.name == 'postgresql' else ''}deliveries SET event_type = 'dlr', payload ="
            f' \'{{"webhook_event": "dlr", "data": {{"msg_id": "77", "status": "EXPIRED", "timestamp": {at_second(1)}}}}}\''
        )
    assert [each.projections[0].delivery.outcome for each in replay(store, ["1"])] == ["applied"]
    (change,) = noted(engine)
    assert (change.topic, change.key, change.delivery_id) == ("message.failed", "77", "1")
    replay(store, ["1"], force=True)
    assert len(noted(engine)) == 1


def test_forgetting_is_no_change(consumer: Consumer, accept: Accept, engine: Engine, ledger: Ledger):
    """What removes or blanks notes nothing, whoever subscribes."""
    consumer.consume("dlr", [accept(dlr("1", "DELIVERED", 1))])
    subscribe(engine, "shop", "message.delivered message.failed message.pending message.unknown")
    erased(engine, ledger, message_id("77"))
    assert noted(engine) == []
