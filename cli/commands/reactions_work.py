"""Reactions' work: what `reactions retry` has sent, in portions, at a rate, and until Ctrl-C."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from cli.exits import ExitCode, Interruption
from cli.output.progress import UnderWay
from store import notifications, subscriptions
from store.outbox import Outbox
from store.row_writer import StoreAway
from store.standing_changes import Position, Request, note_standing, watched_tables
from store.subscriptions import Subscription
from store.timed_transactions import transact


def carry_out(portions: Iterator[int], unit: str, number: int, rate: float) -> tuple[int, Interruption | None]:
    """Do the work of these portions, at most `rate` items a second. Returns how many were done, and why not all."""
    with UnderWay(unit, number) as progress:
        try:
            for done in portions:
                progress.advance(done)
                if progress.interrupted:
                    break
                progress.pause(done / rate)
        except StoreAway as error:
            reason = f"the database did not answer: {error}"
            return progress.done, Interruption(ExitCode.UNKNOWN, reason, progress.done)
    if progress.interrupted and progress.done < number:
        return progress.done, Interruption(ExitCode.WRONG, "interrupted", progress.done)
    return progress.done, None


def retry(outbox: Outbox, name: str, number: int) -> Iterator[int]:
    """Make due what failed or expired, in portions, until it was so many: what fails meanwhile is not asked for.

    Yields the number of changes of each portion; raises StoreAway.
    """
    left = number
    while left > 0:
        done = outbox.transact(partial(notifications.retry, reaction=name, at_most=notifications.ROWS_AT_ONCE))
        if not done:
            break
        yield done
        left -= done


def end_rest(engine: Engine, subscription: Subscription) -> bool:
    """Have a target that rests after failures tried at once, unless it is paused; whether it failed. Raises StoreAway.

    What has failed before does not count any more, neither for the three days after which it is paused.
    """
    if subscription.state == subscriptions.PAUSED or subscription.failing_since is None:
        return False
    transact(engine, partial(subscriptions.end_failures, name=subscription.name))
    return True


def note_rows(engine: Engine, request: Request) -> Iterator[int]:
    """Note rows as they stand. Yields the number of rows of each portion; raises StoreAway."""
    for table_name in watched_tables(request.topics):
        after: Position | None = None
        while True:
            note: Callable[[Connection, datetime], tuple[int, Position | None]] = partial(
                note_standing, request=request, table_name=table_name, after=after
            )
            rows, after = transact(engine, note)
            yield rows
            if after is None:
                break
