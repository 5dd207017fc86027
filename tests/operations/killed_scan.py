"""`python -m tests.operations.killed_scan POINT`: a pass of the opt-out scan that is killed at a point; `end`: at none."""

import sys

from ledger.client import Ledger
from operations.opt_out_scan_schedule import OptOutScan
from runtime.settings.environment import load
from seven.opt_out_words_file import built_in_words
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.projection_options import ProjectionOptions
from store.row_writer import Store
from tests.operations.killed_pass import Point, kill_at
from workers.settings import WorkerSettings

POINTS: dict[str, Point] = {
    "before a page": (Store, "transact", 3, False),
    "page written": (Store, "transact", 3, True),
    "position kept": (OptOutScan, "_keep", 2, True),
    "before the last position": (OptOutScan, "_keep", 4, False),
}


def main(point: str) -> None:
    """Make the pass, whose first transaction reads the clock, and print how many texts it read."""
    if point != "end":
        kill_at(POINTS[point])
    settings = load(WorkerSettings)
    ledger, store = Ledger(settings.redis_url.get_secret_value()), Store(create_store_engine(settings.store_url))
    scan = OptOutScan(ledger, store, CircuitBreaker(), ProjectionOptions(opt_out_words=built_in_words()))
    print(scan.run().texts)


if __name__ == "__main__":
    main(sys.argv[1])
