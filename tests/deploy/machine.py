"""A machine that may be lost: ledger, receiver, worker and beat on a database, and all that it was told."""

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
from emulator.scenarios import deliveries, scenario
from emulator.sender import RetryPolicy, Sender
from emulator.wire import PlannedDelivery, requests
from ledger.client import Ledger
from operations.audit import Auditor
from seven.events import EVENT_TYPES, QUEUES
from seven.records import Record
from store.engine import create_store_engine
from store.schema import deliveries as rows
from tests.chaos.verification import compare
from tests.chaos.workload import Rows, told_of
from tests.conftest import TOKEN
from tests.deploy.backups import Database
from tests.forks import COMMAND, run_script
from tests.processes import ROOT, Receiver, beat, worker
from tests.servers import Valkey, eventually

Place = tuple[str, str, int]
"""A life of the ledger, a queue, and an ordinal."""

HASTE = RetryPolicy(compression=300)
MESSAGES = 2000


class Machine:
    """Everything on one machine. `told` is what each id of a 2xx answer had told."""

    def __init__(self, directory: Path, database: Database) -> None:
        self.directory, self.database, self._ledger_files = directory, database, directory / "valkey"
        self._ledger_files.mkdir()
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
        self.told: dict[str, PlannedDelivery] = {}
        self._now = datetime.now(UTC)
        self._tellings = iter(deliveries(scenario(5, now=self._now, messages=MESSAGES), duplicates=0.1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lose()

    def start(self) -> None:
        """Servers, then today's tables, then everybody."""
        if self.valkey.process is None or self.valkey.process.poll() is not None:
            self.valkey.start()
        assert self.command("migrate").returncode == 0
        for process in (self.receiver, self.worker, self.beat):
            process.start()

    def stop(self) -> None:
        """All but the ledger, as an operator does."""
        for process in (self.receiver, self.worker, self.beat):
            process.end()

    def lose(self) -> None:
        """kill -9 of everything, at once."""
        for process in (self.receiver, self.worker, self.beat):
            if process.process and process.process.poll() is None:
                process.end(signal.SIGKILL)
        self.valkey.kill()

    def empty_ledger(self) -> None:
        """Its files are gone."""
        self.valkey.kill()
        shutil.rmtree(self._ledger_files)
        self._ledger_files.mkdir()

    def copy_ledger(self, to: Path) -> None:
        """Its files as they are at this moment."""
        shutil.copytree(self._ledger_files, to)

    def restore_ledger(self, copy: Path) -> None:
        """An older copy of its files instead of its own."""
        self.empty_ledger()
        shutil.copytree(copy, self._ledger_files, dirs_exist_ok=True)

    def tell(self, count: int, of: str | None = None) -> set[str]:
        """Deliver some more of the story, or of one event type of it; returns their ids once each was answered 2xx."""
        return self._deliver(islice((one for one in self._tellings if of in (None, one.occurrence.event_type)), count))

    @contextmanager
    def traffic(self, rate: float) -> Iterator[None]:
        """Deliveries that come evenly, some before a block and all along it; at its end all have been answered."""
        over, before = threading.Event(), len(self._ordinals())
        some = takewhile(lambda _: not over.is_set(), self._tellings)
        with ThreadPoolExecutor(1) as pool:
            telling = pool.submit(self._deliver, some, rate)
            try:
                eventually(lambda: len(self._ordinals()) > before + rate)
                yield
            finally:
                over.set()
            telling.result()

    def settle(self) -> None:
        """Wait until nothing waits in the ledger."""
        with self._ledger() as ledger:
            eventually(lambda: not any(one.pending for one in ledger.figures(QUEUES).queues.values()), 120, 0.2)

    def mark(self) -> None:
        """Keep how far the ledger has numbered, as a worker does at each sweep."""
        engine = create_store_engine(self.database.url)
        with self._ledger() as ledger:
            Auditor(ledger, engine).mark()
        engine.dispose()

    def kept(self) -> set[str]:
        """The ids that are rows."""
        engine = create_store_engine(self.database.url)
        with engine.connect().execution_options(reads=True) as connection:
            found = set(connection.execute(select(rows.c.id)).scalars())
        engine.dispose()
        return found

    def places(self, ids: set[str]) -> set[Place]:
        """Where these deliveries were numbered, as the receiver's log tells."""
        ordinals = self._ordinals()
        return {ordinals[one] for one in ids}

    def check_records(self) -> None:
        """The records are the fold of what the deliveries that are rows had told: nothing lacks, nothing is too much."""
        truth: dict[type[Record], Rows] = {one: {} for one in told_of()}
        for delivery in self.kept():
            occurrence = self.told[delivery].occurrence
            told_at = occurrence.told_at.replace(microsecond=0)  # as webhook_timestamp says it
            for record in EVENT_TYPES[occurrence.event_type].parse(occurrence.fields, told_at, self._now).project():
                known = truth[type(record)].get(record.key)
                truth[type(record)][record.key] = record if known is None else known.merge(record)
        engine = create_store_engine(self.database.url)
        found = compare(engine, truth)
        engine.dispose()
        assert {table: (one.lacking, one.surplus) for table, one in found.items()} == dict.fromkeys(found, (0, 0))
        assert sum(one.rows for one in found.values()) > 0

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `seven-ingest` with the machine's settings."""
        return run_script((COMMAND, *words), ROOT, self.receiver.environment)

    def _deliver(self, tellings: Iterator[PlannedDelivery], rate: float | None = None) -> set[str]:
        drawn: list[PlannedDelivery] = []

        def noted() -> Iterator[PlannedDelivery]:
            for one in tellings:
                drawn.append(one)
                yield one

        there = f"{self.receiver.url}/hooks/{TOKEN}"
        delivering = Sender(requests(noted(), there), HASTE, concurrency=8, rate=rate)
        report = asyncio.run(delivering.run())
        assert report.states == {State.DELIVERED: len(drawn)}
        new = {fate.id: drawn[number] for number, fate in report.fates.items() if fate.id}
        assert len(new) == len(drawn)
        self.told |= new
        return set(new)

    def _ordinals(self) -> dict[str, Place]:
        found: dict[str, Place] = {}
        for line in self.receiver.log.read_text().splitlines():
            told = json.loads(line)
            if told["event"] == "accepted":
                for ordinal, one in enumerate(told["ids"], told["first"]):
                    found[one] = (told["life"], told["queue"], ordinal)
        return found

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        ledger = Ledger(self.valkey.url)
        try:
            yield ledger
        finally:
            ledger.close()
