"""Processor time of a delivery without traces, and with those of some, from the wire to the tables.

Both stand side by side, and take turns of a few seconds: on a machine that others use as well, only what was measured
in the same moment can be compared.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cpu_time import CpuMeter
from bench.end_to_end import CONNECTIONS, LONGEST_S, wait_until_drained
from bench.servers import (
    TOKEN,
    Server,
    create_tables,
    environment,
    postgresql,
    redis,
    running,
    temporary_directory,
    worker,
)
from bench.wrk import wrk
from bench.wrk_scripts import write_script
from tests.collector import collecting

SHARES = (0.0, 0.01)
EXPORTED_S = 5.5
"""Longer than spans wait."""


@dataclass(frozen=True)
class _System:
    """A receiver and a worker, with a ledger and a database of their own."""

    directory: Path
    redis_url: str
    url: str
    pids: Mapping[str, int]

    def run(self, number: int, seconds: float) -> dict[str, float]:
        """Microseconds of processor time per delivery, until every one is settled and every span exported."""
        meter = CpuMeter(self.pids)
        load = wrk(self.url, write_script(self.directory, "dlr", "JSON", TOKEN, number), CONNECTIONS, seconds)
        if load.failed:
            raise RuntimeError(f"{load.failed} answers were not 2xx")
        wait_until_drained(self.redis_url, time.monotonic() + LONGEST_S)
        time.sleep(EXPORTED_S)
        return meter.micros_per_delivery(load.requests)


def measure(
    rounds: int, seconds: float, tick: Callable[[], None], shares: Sequence[float] = SHARES
) -> dict[str, list[dict[str, float]]]:
    """Microseconds of processor time per delivery of receiver and worker, by the share that is sampled, in turns."""
    spent: dict[str, list[dict[str, float]]] = {f"{share:.0%}": [] for share in shares}
    with ExitStack() as stack:
        directory = stack.enter_context(temporary_directory())
        server, collector = stack.enter_context(postgresql(directory)), stack.enter_context(collecting())
        systems = {
            share: stack.enter_context(_system(directory / f"{share:.0%}", server.database(), share, collector.url))
            for share in shares
        }
        for system in systems.values():
            system.run(0, seconds)
        for number in range(1, rounds + 1):
            for share in shares if number % 2 else reversed(shares):
                spent[f"{share:.0%}"].append(systems[share].run(number, seconds))
                tick()
        if any(shares) and not collector.requests:
            raise RuntimeError("nothing was exported")
    return spent


def together(runs: Sequence[dict[str, float]]) -> list[float]:
    """Of receiver and worker together, by run."""
    return [sum(spent.values()) for spent in runs]


@contextmanager
def _system(directory: Path, database_url: str, share: float, collector_url: str) -> Iterator[_System]:
    directory.mkdir()
    create_tables(database_url)
    with redis(directory) as redis_url:
        settings = environment(redis_url, database_url) | _trace_settings(share, collector_url)
        receiver = Server(directory, "ingest.app:app", settings, "receiver")
        consumer = worker(directory, "workers.app", settings, "worker")
        with running(receiver, consumer):
            consumer.wait_until_logged("ready")
            pids = {each.name: each.process.pid for each in (receiver, consumer) if each.process}
            yield _System(directory, redis_url, receiver.url, pids)


def _trace_settings(share: float, url: str) -> dict[str, str]:
    if not share:
        return {}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": str(share),
    }
