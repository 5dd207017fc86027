"""Garbage: a worker looks for cycles so rarely that deliveries may leave none."""

import gc
from typing import Any

from tests.factories.envelopes import envelope
from workers.consumer import Consumer

ROUNDS, BATCHES = 3, 10


def test_deliveries_leave_no_cycles(consumer: Consumer, accept: Any):
    """Neither those that are applied nor those that are parked or buried; else they would fill the memory for long."""

    def deliveries(number: int) -> str:
        report = {"msg_id": f"{number}", "status": "DELIVERED", "timestamp": "2022-07-27 07:38:18"}
        applied = envelope(f"applied-{number}", "dlr", {"webhook_event": "dlr", "data": report})
        parked = envelope(f"parked-{number}", "dlr", {"webhook_event": "dlr", "data": {"status": number}})
        return str(accept(applied, parked, b"no envelope", queue="dlr"))

    first, *batches = [deliveries(number) for number in range(1 + ROUNDS * BATCHES)]
    consumer.consume("dlr", [first])  # with whatever is made once
    gc.collect()
    gc.disable()
    unreachable = []
    try:
        for start in range(0, len(batches), BATCHES):
            for batch in batches[start : start + BATCHES]:
                consumer.consume("dlr", [batch])
            unreachable.append(gc.collect())
    finally:
        gc.enable()
    assert min(unreachable) < BATCHES  # what an earlier test left behind comes once
