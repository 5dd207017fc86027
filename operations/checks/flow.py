"""Flow: whether deliveries come in, are applied, and which of them an operator has to handle."""

from collections.abc import Iterator
from datetime import UTC, timedelta

from ledger.health import effective_limit
from ledger.stats import LedgerStats
from operations.checks.ages import AHEAD, SET_BACK, when
from operations.checks.check import Check, good, unknown, warning, wrong
from operations.checks.redis_server import memory
from runtime.durations import duration
from runtime.settings.shared import LedgerSettings
from runtime.settings.workers import ScheduleSettings
from store.row_counts import MOST_COUNTED, RowCounts

QUIET = timedelta(hours=1)
ENOUGH_TO_MISS = 10
"""Deliveries in the same hour of yesterday: if none comes in this hour, something has stopped them."""
LONGEST_QUIET = timedelta(days=1)


def coming_in(ledger: LedgerStats | None, rows: RowCounts | None, *, can_send: bool) -> Check:
    """Whether deliveries come in. None for what could not be read. `can_send`: a receiver answers from here."""
    name = "coming in"
    if ledger is None:
        return unknown(name, "Redis knows when the last one came")
    last = max(ledger.last_at.values(), default=None)
    if last is None and rows and rows.received:
        return good(name, f"{at_most(sum(rows.received.values()))} in the last hour")
    if last is None:
        remedy = "seven-ingest hooks plan" + ", or try seven-ingest send" * can_send
        return warning(name, "no delivery has come yet", remedy)
    quiet = ledger.figures.now - last
    before = sum(rows.received_before.values()) if rows else 0
    if quiet > QUIET and before >= ENOUGH_TO_MISS:
        finding = f"none for {duration(quiet)}; the same hour of yesterday brought {at_most(before)}"
        return wrong(name, finding, "seven-ingest doctor: it tries the public URL and compares the hooks")
    if quiet > LONGEST_QUIET or quiet < AHEAD:
        remedy = SET_BACK if quiet < AHEAD else "seven-ingest doctor, if that is longer than usual"
        return warning(name, f"the last one {when(quiet)}", remedy)
    return good(name, f"the last one {when(quiet)}")


def room(ledger: LedgerStats, settings: LedgerSettings) -> Check:
    """Whether the ledger has room."""
    if ledger.used is None:
        return warning("ledger", "its memory is unknown: INFO is denied", "deploy/operate.md, Least privilege in Redis")
    return memory("ledger", ledger.used, effective_limit(ledger.maxmemory, settings.seven_ledger_limit))


def applied(ledger: LedgerStats, settings: ScheduleSettings) -> Check:
    """Whether what was accepted is applied in time."""
    figures = ledger.figures
    batches = sum(queue.pending for queue in figures.queues.values())
    oldest = min((queue.oldest_at for queue in figures.queues.values() if queue.oldest_at), default=None)
    if oldest is None:
        return good("applied", "everything accepted is applied")
    waits = figures.now - oldest
    latest = max(queue.latest_at for queue in figures.queues.values() if queue.latest_at)
    waiting = f"{batches} batch{'es wait' if batches > 1 else ' waits'}"
    late_s = 2 * (settings.seven_overdue_s + settings.seven_sweep_s)
    if waits.total_seconds() > late_s:
        remedy = "seven-ingest doctor; deploy/alerts.md, The backlog grows"
        return wrong("applied", f"{waiting}, the oldest for {duration(waits)}", remedy)
    if figures.now - latest < AHEAD:  # it is announced again at once: how long it has waited is unknown
        return warning("applied", f"{waiting}, accepted {when(figures.now - latest)}", SET_BACK)
    return good("applied", f"{waiting}, the oldest for {duration(waits)}")


def unapplied(rows: RowCounts | None) -> Iterator[Check]:
    """Dead, quarantined and parked deliveries."""
    if rows is None:
        yield unknown("dead, parked", "the database knows")
        return
    by_outcome = {open_.outcome: open_ for open_ in rows.open}
    for outcome, name in (("dead", "dead letters"), ("quarantined", "quarantined"), ("parked", "parked")):
        deliveries = by_outcome.get(outcome)
        if deliveries is None:
            if outcome != "quarantined":
                yield good(name, "none")
            continue
        finding = at_most(deliveries.count)
        if deliveries.since:
            finding += f" since {deliveries.since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        recent = f", {at_most(deliveries.recent)} of them in the last hour" if deliveries.recent else ""
        finding += recent or ", none in the last hour"
        remedy = f"seven-ingest dead list --outcome {outcome}"
        if outcome == "dead":
            yield wrong(name, finding, remedy)
        elif deliveries.recent_known:
            yield warning(name, f"{finding}, {at_most(deliveries.recent_known)} of known event types", remedy)
        else:
            yield good(name, finding)


def at_most(number: int) -> str:
    """A number that was counted up to a bound."""
    return f"{number} or more" if number >= MOST_COUNTED else str(number)
