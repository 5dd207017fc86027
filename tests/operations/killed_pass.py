"""`python -m tests.operations.killed_pass POINT`: a pass over the journal whose process is killed at a point; `end`: at none.

It has the settings of a worker, and the same watch; it waits for another pass that is under way.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from gateway.api import Api
from gateway.journal_client import JournalClient
from ledger.client import Ledger
from operations.backfill import JournalOffer
from operations.journal_count import JournalCount
from operations.journal_pass import JournalPass
from operations.journal_state import JournalStates
from runtime.settings.environment import load
from store.engine import create_store_engine
from store.row_writer import Store
from tests.servers import eventually
from workers.journal_watch import journal_watch
from workers.settings import WorkerSettings


def killed(function: Callable[..., Any], number: int, *, after: bool = False) -> Callable[..., Any]:
    """The function, at whose nth call the process is killed, before or after what it does."""
    calls = iter(range(1, 1_000_000))

    def wrapped(*arguments: Any, **options: Any) -> Any:
        is_last = next(calls) == number
        if is_last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


Point = tuple[type, str, int, bool]
"""A method, which of its calls, and whether the process is killed after it."""


def kill_at(point: Point) -> None:
    """Have this process killed at a point."""
    owner, name, number, after = point
    setattr(owner, name, killed(getattr(owner, name), number, after=after))


POINTS: dict[str, Point] = {
    "reading": (JournalClient, "_list", 2, True),
    "judging": (JournalPass, "_judge", 1, False),
    "written": (Store, "write", 1, True),
    "before counting": (JournalCount, "end", 1, False),
    "counted": (JournalCount, "end", 1, True),
    "accepted": (Ledger, "accept", 1, True),
    "offered": (JournalOffer, "offer", 2, True),
    "ending": (JournalStates, "save", 1, False),
}


def main(point: str) -> None:
    """Make the pass."""
    if point != "end":
        kill_at(POINTS[point])
    settings = load(WorkerSettings)
    ledger = Ledger(settings.redis_url.get_secret_value())
    store = Store(create_store_engine(settings.store_url))
    watch = journal_watch(settings, ledger, store, lambda _queue, _ids: None)
    account = settings.account
    with Api(account.api_url, account.api_key or "") as api:
        eventually(lambda: watch.run(JournalClient(api, rate=10_000)))


if __name__ == "__main__":
    main(sys.argv[1])
