"""The corpus of deliveries, from the ledger through a consumer into both databases."""

import asyncio

from sqlalchemy import Engine, select

from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from seven.archive_records import ArchivedDelivery, DeadLetter
from seven.delivery import Payload
from seven.envelope import Envelope
from seven.record import Record
from seven.records import RECORDS
from store.circuit_breaker import CircuitBreaker
from store.projection_options import NO_OPTIONS
from store.row_writer import Store
from store.schema import deliveries
from tests.factories.rows import merged_rows, stored_rows
from tests.servers import PATIENCE_S
from tests.seven.corpus import CASES
from workers.consumer import Consumer


def test_the_corpus_becomes_its_rows(redis_url: str, ledger: Ledger, engine: Engine):
    """Every delivery of the corpus is applied, and all rows together are the merged records of `seven`."""
    consumer = Consumer(ledger, Store(engine), CircuitBreaker(0.0), options=NO_OPTIONS)
    records: list[Record] = []
    for name, case in CASES.items():
        sent = case.verbatim
        words, received_at = sent.delivery.decode(), case.received_at(sent)
        records.extend(Payload.of(words, sent.path_event_type).event(received_at).project())
        envelope = Envelope(name, case.event_type, received_at, sent.delivery.request_method, words)
        batch = NewBatch(name, case.event_type, [envelope.line()], frozenset())

        async def accept(batch: NewBatch = batch) -> None:
            async with LedgerWriter(redis_url, PATIENCE_S) as acceptor:
                assert isinstance((await acceptor.accept([batch]))[0], Header)

        asyncio.run(accept())
        consumer.consume(case.event_type, [name])
    rows, expected = stored_rows(engine), merged_rows(records)
    for record in RECORDS:
        if record not in (ArchivedDelivery, DeadLetter):
            assert rows[record.table] == expected[record.table]
    with engine.connect() as connection:
        assert set(connection.execute(select(deliveries.c.outcome)).scalars()) == {"applied"}
        assert len(connection.execute(select(deliveries.c.id)).all()) == len(CASES)
