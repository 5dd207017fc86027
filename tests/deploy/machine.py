"""A machine that can be lost: ledger, receiver, worker and beat on a database, and all deliveries sent to it."""

import asyncio
import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import Self

from sqlalchemy import select

from emulator.report import State
from emulator.scenarios import plan_deliveries, scenario
from emulator.sender import RetryPolicy, Sender
from emulator.wire import PlannedDelivery, requests
from ledger.client import Ledger
from operations.audit import Auditor
from seven.events import EVENT_TYPES, QUEUES
from seven.record import Record
from store.engine import create_store_engine
from store.schema import deliveries as rows
from tests.chaos.verification import compare
from tests.chaos.workload import Rows, projected_records
from tests.conftest import TOKEN
from tests.deploy.backups import Database
from tests.factories.kept_fields import kept_fields
from tests.forks import COMMAND, run_script
from tests.processes import ROOT, Receiver, beat, worker
from tests.servers import Valkey, eventually

Place = tuple[str, str, int]
"""Life of the ledger, queue, and ordinal."""

FAST_RETRIES = RetryPolicy(compression=300)
MESSAGES = 2000


class Machine:
    """Everything on one machine. `delivered` has the delivery of each id of a 2xx answer."""

    def __init__(self, directory: Path, database: Database, ledger_files: Path | None = None) -> None:
        self.directory, self.database, self._ledger_files = directory, database, ledger_files or directory / "valkey"
        self._ledger_files.mkdir(exist_ok=True)
        self.valkey = Valkey(self._ledger_files)
        self.environment = {
            "REDIS_URL": self.valkey.url,
            "DATABASE_URL": database.url,
            "SEVEN_HOOK_TOKEN": TOKEN,
            "SEVEN_METRICS_ADDRESS": "off",
            "SEVEN_LOG_FORMAT": "json",
            "SEVEN_SWEEP_S": "1",
            "SEVEN_OVERDUE_S": "10",
        }
        self.receiver = Receiver(directory, self.environment)
        self.worker, self.beat = worker(directory, self.environment), beat(directory, self.environment)
        self.delivered: dict[str, PlannedDelivery] = {}
        self._now = datetime.now(UTC)
        self._deliveries = iter(plan_deliveries(scenario(5, now=self._now, messages=MESSAGES), duplicates=0.1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lose()

    def start(self) -> None:
        """Start the ledger, migrate the database, then start the processes."""
        if self.valkey.process is None or self.valkey.process.poll() is not None:
            self.valkey.start()
        assert self.command("migrate").returncode == 0
        for process in (self.receiver, self.worker, self.beat):
            process.start()

    def stop(self) -> None:
        """Stop all processes but the ledger, as an operator does."""
        for process in (self.receiver, self.worker, self.beat):
            process.end()

    def lose(self) -> None:
        """Kill everything at once with SIGKILL."""
        for process in (self.receiver, self.worker, self.beat):
            if process.process and process.process.poll() is None:
                process.end(signal.SIGKILL)
        self.valkey.kill()

    def empty_ledger(self) -> None:
        """Delete the ledger's files."""
        self.valkey.kill()
        shutil.rmtree(self._ledger_files)
        self._ledger_files.mkdir()

    def copy_ledger(self, to: Path) -> None:
        """Copy the ledger's files in their present state."""
        shutil.copytree(self._ledger_files, to)

    def restore_ledger(self, copy: Path) -> None:
        """Replace the ledger's files with an older copy."""
        self.empty_ledger()
        shutil.copytree(copy, self._ledger_files, dirs_exist_ok=True)

    def deliver(self, count: int, of: str | None = None) -> set[str]:
        """Send the next deliveries, or those of one event type; returns their ids once all were answered 2xx."""
        return self._deliver(
            islice((delivery for delivery in self._deliveries if of in (None, delivery.event.event_type)), count)
        )

    @contextmanager
    def traffic(self, rate: float) -> Iterator[None]:
        """Send deliveries at an even rate, from shortly before a block to its end; then all have been answered."""
        over, before = threading.Event(), len(self._ordinals())
        deliveries = takewhile(lambda _: not over.is_set(), self._deliveries)
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self._deliver, deliveries, rate)
            try:
                eventually(lambda: len(self._ordinals()) > before + rate)
                yield
            finally:
                over.set()
            sending.result()

    def wait_until_settled(self) -> None:
        """Wait until nothing is pending in the ledger."""
        with self._ledger() as ledger:
            eventually(lambda: not any(queue.pending for queue in ledger.figures(QUEUES).queues.values()), 120, 0.2)

    def mark(self) -> None:
        """Store the ledger's last ordinals, as a worker does at each sweep."""
        engine = create_store_engine(self.database.url)
        with self._ledger() as ledger:
            Auditor(ledger, engine).mark()
        engine.dispose()

    def stored_ids(self) -> set[str]:
        """The ids of all rows in `deliveries`."""
        engine = create_store_engine(self.database.url)
        with engine.connect().execution_options(reads=True) as connection:
            ids = set(connection.execute(select(rows.c.id)).scalars())
        engine.dispose()
        return ids

    def places(self, ids: set[str]) -> set[Place]:
        """The places of these deliveries, from the receiver's log."""
        ordinals = self._ordinals()
        return {ordinals[delivery_id] for delivery_id in ids}

    def check_records(self) -> None:
        """Assert that the records are exactly the fold of the stored deliveries.

        One that was stored but not answered has been sent again, so it adds nothing.
        """
        truth: dict[type[Record], Rows] = {record_type: {} for record_type in projected_records()}
        for delivery in self.stored_ids() & self.delivered.keys():
            event = self.delivered[delivery].event
            occurred_at = event.occurred_at.replace(microsecond=0)  # as webhook_timestamp says it
            for record in EVENT_TYPES[event.event_type].parse(kept_fields(event), occurred_at, self._now).project():
                known = truth[type(record)].get(record.key)
                truth[type(record)][record.key] = record if known is None else known.merge(record)
        engine = create_store_engine(self.database.url)
        diffs = compare(engine, truth)
        engine.dispose()
        assert {table: (diff.lacking, diff.surplus) for table, diff in diffs.items()} == dict.fromkeys(diffs, (0, 0))
        assert sum(diff.rows for diff in diffs.values()) > 0

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `seven-ingest` with the machine's settings."""
        return run_script((COMMAND, *arguments), ROOT, self.receiver.environment)

    def _deliver(self, deliveries: Iterator[PlannedDelivery], rate: float | None = None) -> set[str]:
        drawn: list[PlannedDelivery] = []

        def recorded() -> Iterator[PlannedDelivery]:
            for planned in deliveries:
                drawn.append(planned)
                yield planned

        hook = f"{self.receiver.url}/hooks/{TOKEN}"
        sender = Sender(requests(recorded(), hook), FAST_RETRIES, concurrency=8, rate=rate)
        report = asyncio.run(sender.run())
        assert report.states == {State.DELIVERED: len(drawn)}
        new = {result.id: drawn[number] for number, result in report.results.items() if result.id}
        assert len(new) == len(drawn)
        self.delivered |= new
        return set(new)

    def _ordinals(self) -> dict[str, Place]:
        places: dict[str, Place] = {}
        for line in self.receiver.log.read_text().splitlines():
            entry = json.loads(line)
            if entry["event"] == "accepted":
                for ordinal, delivery_id in enumerate(entry["ids"], entry["first"]):
                    places[delivery_id] = (entry["life"], entry["queue"], ordinal)
        return places

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        ledger = Ledger(self.valkey.url)
        try:
            yield ledger
        finally:
            ledger.close()
