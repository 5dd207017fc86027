"""The real thing: processes, broker, database; a story told at least once and in no order, and killed on the way."""

import asyncio
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from emulator.report import Report, State
from emulator.scenarios import deliveries, scenario
from emulator.sender import RetryPolicy, Sender
from emulator.vendor_event import VendorEvent
from emulator.wire import requests
from ledger.batch import Batch
from ledger.client import Ledger
from operations.audit import Auditor
from seven.events import EVENT_TYPES, QUEUES
from seven.records import RECORDS, ArchivedDelivery, DeadLetter, LedgerMark, Record
from store import schema
from tests.conftest import TOKEN
from tests.deploy.tools import thorough_on_sqlite
from tests.factories.rows import kept, told_once
from tests.processes import Receiver, beat, running, worker
from tests.servers import eventually

MESSAGES = 1100  # `make chaos` tells 200,000 deliveries
RATE = 250.0  # slow enough for workers to be ended and started in the midst of it
HASTE = RetryPolicy(compression=300)


def truth(told: list[VendorEvent], now: datetime) -> dict[str, list[tuple[object, ...]]]:
    """The rows that a story must become, by the language alone."""
    records: list[Record] = []
    for one in told:
        told_at = one.told_at.replace(microsecond=0)  # as webhook_timestamp says it
        event = EVENT_TYPES[one.event_type].parse(one.fields, told_at, now)
        records.extend(event.project())
    return told_once(records)


def given_out(ledger: Ledger) -> dict[str, set[int]]:
    """Every ordinal given out."""
    return {queue: set(range(1, one.last_ordinal + 1)) for queue, one in ledger.figures(QUEUES).queues.items()}


def in_ledger(ledger: Ledger) -> dict[str, set[int]]:
    """The ordinals of what is still pending."""
    found = {}
    for queue in QUEUES:
        batches = ledger.fetch([one.decode() for one in ledger.redis.zrange(f"seven:pending:{queue}", 0, -1)])
        found[queue] = {ordinal for one in batches if isinstance(one, Batch) for ordinal, _ in one.numbered()}
    return found


def in_deliveries(engine: Engine) -> dict[str, set[int]]:
    """The ordinals that have become rows."""
    found: dict[str, set[int]] = {queue: set() for queue in QUEUES}
    columns = schema.deliveries.c
    with engine.connect().execution_options(reads=True) as connection:
        for queue, ordinal in connection.execute(select(columns.queue, columns.ordinal)):
            found[queue].add(ordinal)
    return found


def ids_in_deliveries(engine: Engine) -> set[str]:
    with engine.connect().execution_options(reads=True) as connection:
        return set(connection.execute(select(schema.deliveries.c.id)).scalars())


def wait_until_settled(ledger: Ledger, within_s: float = 120) -> None:
    eventually(lambda: not any(one.pending for one in ledger.figures(QUEUES).queues.values()), within_s, 0.2)


class Audits:
    """Audits, one after the other, as long as the story is told: on a live system, with processes killed, none errs."""

    def __init__(self, auditor: Auditor, telling: threading.Thread) -> None:
        self._auditor, self._telling = auditor, telling
        self._made = 0
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> int:
        """Wait until the last has ended; how many there were. Raises what went wrong in one."""
        self._thread.join()
        if self._error:
            raise self._error
        return self._made

    def _run(self) -> None:
        try:
            while self._telling.is_alive():
                found = self._auditor.audit()
                assert not found.lost, [one for one in found.series if not one.sound]
                self._made += 1
                self._telling.join(5.0)
        except Exception as error:  # noqa: BLE001 - told by join
            self._error = error


@pytest.mark.duration(30)
@thorough_on_sqlite
def test_every_delivery_arrives_whatever_is_killed(
    tmp_path: Path,
    redis_url: str,
    ledger: Ledger,
    engine: Engine,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
):
    """5,000 deliveries, shuffled, a fifth repeated, in all methods; workers killed midway: nothing lost, nothing doubled."""
    environment = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "2",
        "SEVEN_OVERDUE_S": "10",
    }
    now = datetime.now(UTC)
    told = scenario(20261123, now=now, messages=MESSAGES)
    tellings = deliveries(told, seed=4, duplicates=0.2, shuffle=True)
    assert len(tellings) >= 5_000
    receiver = Receiver(tmp_path, environment)
    first, second = worker(tmp_path, environment, "first"), worker(tmp_path, environment, "second")
    with running(receiver, first, second, beat(tmp_path, environment)):
        delivering = Sender(requests(tellings, f"{receiver.url}/hooks/{TOKEN}"), HASTE, rate=RATE)
        telling = threading.Thread(target=lambda: asyncio.run(delivering.run()))
        telling.start()
        audits = Audits(Auditor(ledger, engine), telling)
        memory: list[tuple[int, int]] = []

        def reach(share: float) -> None:
            eventually(lambda: len(delivering.report.fates) >= share * len(tellings) or not telling.is_alive(), 120)
            memory.append((receiver.memory_kib, second.memory_kib))

        reach(0.2)
        first.end(signal.SIGKILL)
        reach(0.3)
        first.start()
        reach(0.5)
        first.wait_until_logged("@test ready")  # until then the signal ends it as it ends any process, with -15
        assert first.end(signal.SIGTERM) == 0
        reach(0.6)
        first.start()
        reach(0.8)
        first.end(signal.SIGKILL)
        reach(1.0)
        telling.join()
        assert audits.join() >= 3
        report: Report = delivering.report

        # whatever is where at this moment, in rows or in the ledger: together they are all that was given out
        waiting, arrived = in_ledger(ledger), in_deliveries(engine)
        assert {queue: waiting[queue] | arrived[queue] for queue in QUEUES} == given_out(ledger)

        wait_until_settled(ledger)
        assert in_deliveries(engine) == given_out(ledger)
        audit = Auditor(ledger, engine).audit([*report.ids["accepted"]])
        assert (audit.lost, audit.against and audit.against.missing) == (False, ())
    assert report.states == {State.DELIVERED: len(tellings)}
    assert set(report.ids) == {"accepted"}
    assert ids_in_deliveries(engine) >= set(report.ids["accepted"])
    assert len(set(report.ids["accepted"])) == len(tellings)
    rows = kept(engine)
    expected = truth(told, now)
    for record in RECORDS:
        if record not in (ArchivedDelivery, DeadLetter, LedgerMark):
            assert rows[record.table] == expected[record.table], record.table
    assert rows[DeadLetter.table] == []
    with capsys.disabled():
        print(f"\nresident KiB of receiver and worker along the run: {memory}")
    assert memory[-1][0] < 1.5 * memory[0][0]
    assert memory[-1][1] < 1.5 * memory[0][1]
