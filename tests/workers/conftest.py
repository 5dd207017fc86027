"""What tests of the workers stand on: a consumer on real servers, and a way to put something into its ledger."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from ledger.accepting import Acceptor
from ledger.batch import Header, NewBatch
from ledger.settling import Ledger
from seven.envelope import Envelope
from workers.consuming import Consumer
from workers.holding import Breaker
from workers.store.writing import Store

Accept = Callable[..., str]


@pytest.fixture
def consumer(ledger: Ledger, engine: Engine) -> Consumer:
    return Consumer(ledger, Store(engine), Breaker(0.0))


@pytest.fixture
def accept(redis_url: str) -> Accept:
    """Put envelopes, or bare lines, into the ledger as one batch; returns its id."""
    numbers = iter(range(100_000))

    def put(*lines: Envelope | bytes, queue: str = "dlr") -> str:
        async def run() -> None:
            told = [one.line() if isinstance(one, Envelope) else one for one in lines]
            async with Acceptor(redis_url, 5) as acceptor:
                (answer,) = await acceptor.accept([NewBatch(name, queue, told, frozenset())])
            assert isinstance(answer, Header)

        name = f"batch-{next(numbers)}"
        asyncio.run(run())
        return name

    return put
