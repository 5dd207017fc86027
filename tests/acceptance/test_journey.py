"""The whole journey: real processes, broker and database; a scenario delivered repeatedly, in any order, with kills."""

import asyncio
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from emulator.report import Report, State
from emulator.scenarios import plan_deliveries, scenario
from emulator.sender import RetryPolicy, Sender
from emulator.vendor_event import VendorEvent
from emulator.wire import requests
from ledger.batch import Batch
from ledger.client import Ledger
from operations.audit import Auditor
from seven.archive_records import ArchivedDelivery, DeadLetter, LedgerMark
from seven.events import EVENT_TYPES, QUEUES
from seven.opt_out_words_file import built_in_words
from seven.opt_outs import opt_outs_of
from seven.phone_numbers import COUNTRY_CODE
from seven.record import Record
from seven.records import RECORDS
from store import schema
from tests.conftest import TOKEN
from tests.extent import size, sized, thorough_on_sqlite
from tests.factories.kept_fields import kept_fields
from tests.factories.rows import merged_rows, stored_rows
from tests.processes import Receiver, beat, running, worker
from tests.servers import eventually

MESSAGES = size(300, 1100)  # `make chaos` sends 200,000 deliveries
RATE = size(70, 250)  # slow enough to stop and start workers during the run
HASTE = RetryPolicy(compression=300)


def truth(events: list[VendorEvent], now: datetime) -> dict[str, list[tuple[object, ...]]]:
    """The rows that a scenario must become, by the events' definitions alone."""
    records: list[Record] = []
    for vendor_event in events:
        occurred_at = vendor_event.occurred_at.replace(microsecond=0)  # the precision of webhook_timestamp
        event = EVENT_TYPES[vendor_event.event_type].parse(kept_fields(vendor_event), occurred_at, now)
        projected = [*event.project()]
        records += [*projected, *opt_outs_of(event, projected, built_in_words(), COUNTRY_CODE)]
    return merged_rows(records)


def given_out(ledger: Ledger) -> dict[str, set[int]]:
    """All ordinals given out, by queue."""
    return {queue: set(range(1, figures.last_ordinal + 1)) for queue, figures in ledger.figures(QUEUES).queues.items()}


def in_ledger(ledger: Ledger) -> dict[str, set[int]]:
    """The ordinals of pending deliveries, by queue."""
    ordinals = {}
    for queue in QUEUES:
        batches = ledger.fetch([id_.decode() for id_ in ledger.redis.zrange(f"seven:pending:{queue}", 0, -1)])
        ordinals[queue] = {ordinal for batch in batches if isinstance(batch, Batch) for ordinal, _ in batch.numbered()}
    return ordinals


def in_deliveries(engine: Engine) -> dict[str, set[int]]:
    """The ordinals of stored deliveries, by queue."""
    ordinals: dict[str, set[int]] = {queue: set() for queue in QUEUES}
    columns = schema.deliveries.c
    with engine.connect().execution_options(reads=True) as connection:
        for queue, ordinal in connection.execute(select(columns.queue, columns.ordinal)):
            ordinals[queue].add(ordinal)
    return ordinals


def ids_in_deliveries(engine: Engine) -> set[str]:
    with engine.connect().execution_options(reads=True) as connection:
        return set(connection.execute(select(schema.deliveries.c.id)).scalars())


def wait_until_settled(ledger: Ledger, within_s: float = 120) -> None:
    eventually(lambda: not any(queue.pending for queue in ledger.figures(QUEUES).queues.values()), within_s, 0.2)


class Audits:
    """Audits one after the other while deliveries are sent: none may report a loss, even while processes are killed."""

    def __init__(self, auditor: Auditor, sending: threading.Thread) -> None:
        self._auditor, self._sending = auditor, sending
        self._made = 0
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> int:
        """Wait for the last audit; return how many ran. Raises the error of a failed one."""
        self._thread.join()
        if self._error:
            raise self._error
        return self._made

    def _run(self) -> None:
        try:
            while self._sending.is_alive():
                audit = self._auditor.audit()
                assert not audit.lost, [series for series in audit.series if not series.sound]
                self._made += 1
                self._sending.join(5.0)
        except Exception as error:  # noqa: BLE001 - raised by join
            self._error = error


@pytest.mark.duration(30)
@sized
@thorough_on_sqlite
def test_every_delivery_arrives_despite_kills(
    tmp_path: Path,
    redis_url: str,
    ledger: Ledger,
    engine: Engine,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
):
    """Shuffled, a fifth repeated, in all methods, workers killed: no delivery is lost and none doubled."""
    environment = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "2",
        "SEVEN_OVERDUE_S": "10",
    }
    now = datetime.now(UTC)
    events = scenario(20261123, now=now, messages=MESSAGES)
    deliveries = plan_deliveries(events, seed=4, duplicates=0.2, shuffle=True)
    assert len(deliveries) >= size(1_200, 5_000)
    receiver = Receiver(tmp_path, environment)
    first, second = worker(tmp_path, environment, "first"), worker(tmp_path, environment, "second")
    with running(receiver, first, second, beat(tmp_path, environment)):
        sender = Sender(requests(deliveries, f"{receiver.url}/hooks/{TOKEN}"), HASTE, rate=RATE)
        sending = threading.Thread(target=lambda: asyncio.run(sender.run()))
        sending.start()
        audits = Audits(Auditor(ledger, engine), sending)
        memory: list[tuple[int, int]] = []

        def reach(share: float) -> None:
            eventually(lambda: len(sender.report.results) >= share * len(deliveries) or not sending.is_alive(), 120)
            memory.append((receiver.memory_kib, second.memory_kib))

        reach(0.2)
        first.end(signal.SIGKILL)
        reach(0.3)
        first.start()
        reach(0.5)
        first.wait_until_logged("@test ready")  # before that the signal ends it by default, with -15
        assert first.end(signal.SIGTERM) == 0
        reach(0.6)
        first.start()
        reach(0.8)
        first.end(signal.SIGKILL)
        reach(1.0)
        sending.join()
        assert audits.join() >= 3
        report: Report = sender.report

        # at any moment the rows and the ledger together hold every ordinal given out
        waiting, arrived = in_ledger(ledger), in_deliveries(engine)
        assert {queue: waiting[queue] | arrived[queue] for queue in QUEUES} == given_out(ledger)

        wait_until_settled(ledger)
        assert in_deliveries(engine) == given_out(ledger)
        audit = Auditor(ledger, engine).audit([*report.ids["accepted"]])
        assert (audit.lost, audit.against and audit.against.missing) == (False, ())
    assert report.states == {State.DELIVERED: len(deliveries)}
    assert set(report.ids) == {"accepted"}
    assert ids_in_deliveries(engine) >= set(report.ids["accepted"])
    assert len(set(report.ids["accepted"])) == len(deliveries)
    rows = stored_rows(engine)
    expected = truth(events, now)
    for record in RECORDS:
        if record not in (ArchivedDelivery, DeadLetter, LedgerMark):
            assert rows[record.table] == expected[record.table], record.table
    assert rows[DeadLetter.table] == []
    with capsys.disabled():
        print(f"\nresident KiB of receiver and worker along the run: {memory}")
    assert memory[-1][0] < 1.5 * memory[0][0]
    assert memory[-1][1] < 1.5 * memory[0][1]
