"""Sabotage: break one step of the product's protocol, to prove that the checks detect the consequences.

`python -m tests.chaos.sabotage STEP MODULE ARGUMENTS…` breaks the step in this process, then runs the real program.
"""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ingest.batcher import Batcher
from ledger.client import InFlight, Ledger
from ledger.writer import NotAccepted
from store import notifications
from store.notifications import ClaimedNotification
from store.row_writer import Store
from store.settlements import Fate, Settlement, settle
from tests.chaos.processes import launch
from workers.sweep import Sweep


def sweep_off() -> None:
    """The sweep never announces pending batches again."""

    def run(_: Sweep) -> int:
        return 0

    Sweep.run = run  # type: ignore[method-assign, assignment]


def settle_early() -> None:
    """Batches leave the ledger before their rows are committed."""
    in_flight = threading.local()
    take, write = Ledger.take, Store.write

    def remember(ledger: Ledger, queue: str, batch_ids: Sequence[str]) -> InFlight:
        in_flight.settle = lambda: ledger.settle(queue, batch_ids)
        return take(ledger, queue, batch_ids)

    def settle_and_write(store: Store, records: Iterable[Any]) -> None:
        in_flight.settle()
        write(store, records)

    Ledger.take = remember  # type: ignore[method-assign, assignment]
    Store.write = settle_and_write  # type: ignore[method-assign, assignment]


def answer_early() -> None:
    """The receiver answers 2xx before the delivery is in the ledger."""
    accept = Batcher.accept
    under_way: set[asyncio.Task[None]] = set()

    async def unconfirmed(*delivery: Any) -> None:
        with suppress(NotAccepted):
            await accept(*delivery)

    async def promise(*delivery: Any) -> None:
        task = asyncio.create_task(unconfirmed(*delivery))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    Batcher.accept = promise  # type: ignore[method-assign, assignment]


def notify_early() -> None:
    """Changes count as sent before they are."""
    claim = notifications.claim

    def claim_and_settle(
        connection: Connection, now: datetime, *arguments: Any, **named: Any
    ) -> list[ClaimedNotification]:
        claims = claim(connection, now, *arguments, **named)
        settle(connection, now, [Settlement(each, Fate.SENT) for each in claims])
        return claims

    notifications.claim = claim_and_settle


STEPS: dict[str, tuple[str, Callable[[], None]]] = {
    "sweep-off": ("worker", sweep_off),
    "settle-early": ("worker", settle_early),
    "answer-early": ("receiver", answer_early),
    "notify-early": ("dispatcher", notify_early),
}
"""By name: the process to break the step in, and the function that does it."""


if __name__ == "__main__":
    STEPS[sys.argv[1]][1]()
    launch(sys.argv[2:])
