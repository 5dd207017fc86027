"""What `status` thinks of what it read: one check for each question, and for each thing wrong what to type next."""

from collections.abc import Iterator
from datetime import timedelta

from cli.checks import Check, Silence, good, unknown, warning, wrong
from cli.output.terminal import program, shown
from cli.status_reading import InRedis, Status, Unmigrated
from cli.status_schedules import schedules
from cli.times import AHEAD, SET_BACK, ago, when
from ledger.health import FULL_AT
from ledger.stats import LedgerStats
from seven.events import QUEUES
from store.row_counts import MOST_COUNTED, RowCounts
from workers.settings import WorkerSettings

QUIET = timedelta(hours=1)
ENOUGH_TO_MISS = 10
"""Deliveries in the same hour of yesterday: when none comes in this hour, something has stopped them."""
LONGEST_QUIET = timedelta(days=1)


def judge(status: Status, settings: WorkerSettings) -> list[Check]:
    """Every check, in the order in which a delivery travels."""
    return [
        _coming_in(status),
        _receivers(status),
        *_ledger(status, settings),
        _workers(status),
        _database(status),
        *_open(status),
        *schedules(status, settings),
    ]


def _coming_in(status: Status) -> Check:
    name, redis, store = "coming in", status.redis, status.store
    if isinstance(redis, Silence):
        return unknown(name, "Redis knows what came last")
    last = max(redis.ledger.last_at.values(), default=None)
    if last is None and isinstance(store, RowCounts) and store.received:
        return good(name, f"{at_most(sum(store.received.values()))} in the last hour")
    if last is None:
        return warning(name, "no delivery has come yet", f"{program()} hooks plan, or try {program()} send")
    quiet = redis.ledger.figures.now - last
    before = sum(store.received_before.values()) if isinstance(store, RowCounts) else 0
    if quiet > QUIET and before >= ENOUGH_TO_MISS:
        said = f"none for {ago(quiet)}; the same hour of yesterday brought {at_most(before)}"
        return wrong(name, said, f"{program()} doctor: it asks the public URL and compares the hooks")
    if quiet > LONGEST_QUIET or quiet < AHEAD:
        cure = SET_BACK if quiet < AHEAD else f"{program()} doctor, if that is longer than usual"
        return warning(name, f"the last one {when(quiet)}", cure)
    return good(name, f"the last one {when(quiet)}")


def _receivers(status: Status) -> Check:
    name, asked = "receiver", status.receivers
    if isinstance(asked, Silence):
        return unknown(name, f"its address leads nowhere ({asked.cause})", "see SEVEN_RECEIVER_URL in .env.example")
    ready = [one for one in asked if not one.hindrances]
    if len(ready) == len(asked):
        return good(name, "ready" if len(asked) == 1 else f"all {len(asked)} are ready")
    said = "; ".join(dict.fromkeys(word for one in asked for word in one.hindrances))
    if len(asked) > 1:
        said = f"{len(ready)} of {len(asked)} are ready: {said}"
    return wrong(name, said, "start it, or look at its log: what it refuses comes again for 3.5 days")


def _memory(ledger: LedgerStats, settings: WorkerSettings) -> Check:
    if ledger.used is None:
        return warning("ledger", "its memory is not known: INFO is denied", "deploy/README.md, Least rights in Redis")
    limit = min(ledger.maxmemory or settings.seven_ledger_limit, settings.seven_ledger_limit)
    part = ledger.used / limit
    said = f"{part:.0%} of its {size(limit)} in use"
    if part >= FULL_AT:
        return wrong("ledger", f"{said}: receivers refuse", "bring back what consumes: see below")
    if part >= FULL_AT / 2:
        return warning("ledger", said, f"from {FULL_AT:.0%} on receivers refuse: see what waits")
    return good("ledger", said)


def _ledger(status: Status, settings: WorkerSettings) -> Iterator[Check]:
    redis = status.redis
    if isinstance(redis, Silence):
        yield unknown("ledger", f"Redis does not answer ({redis.cause})", "start it on its own file; nothing is lost")
        return
    yield _memory(redis.ledger, settings)
    yield _waiting(redis, settings)


def _waiting(redis: InRedis, settings: WorkerSettings) -> Check:
    figures = redis.ledger.figures
    batches = sum(one.pending for one in figures.queues.values())
    oldest = min((one.oldest_at for one in figures.queues.values() if one.oldest_at), default=None)
    if oldest is None:
        return good("applied", "everything accepted is applied")
    waits = figures.now - oldest
    latest = max(one.latest_at for one in figures.queues.values() if one.latest_at)
    said = f"{batches} batch{'es wait' if batches > 1 else ' waits'}, the oldest for {ago(waits)}"
    late_s = 2 * (settings.seven_overdue_s + settings.seven_sweep_s)
    if waits.total_seconds() > late_s:
        return wrong("applied", said, f"{program()} doctor; deploy/README.md, The backlog grows")
    if figures.now - latest < AHEAD:  # it is announced again at once: nobody knows how long it has waited
        said = f"{batches} batch{'es wait' if batches > 1 else ' waits'}, accepted {when(figures.now - latest)}"
        return warning("applied", said, SET_BACK)
    return good("applied", said)


def _workers(status: Status) -> Check:
    name, workers = "workers", status.workers
    if isinstance(workers, Silence):
        return unknown(name, f"they are asked by way of Redis ({workers.cause})")
    if not workers:
        return wrong(name, "none answers", "start one: what is accepted waits, and nothing is lost")
    consumed = frozenset().union(*(one.queues for one in workers))
    lacking = [queue for queue in QUEUES if queue not in consumed]
    known = all(one.version for one in workers)
    if lacking and known:
        return wrong(name, f"nobody consumes {', '.join(lacking)}", "start a worker for all queues (no -Q)")
    holding = [one for one in workers if one.held]
    if holding:
        said = f"{len(holding)} of {len(workers)} hold: {holding[0].held}"
        return wrong(name, said, "bring the database back; the backlog drains by itself")
    if not known:
        return warning(name, "some run another version of this program", "upgrade them")
    return good(name, f"{len(workers)} consume{'s' * (len(workers) == 1)}, nothing is held")


def _database(status: Status) -> Check:
    store = status.store
    if isinstance(store, Silence):
        said = f"it does not answer: {store.cause}"
        return unknown("database", said, "bring it back; until then everything waits in the ledger")
    if isinstance(store, Unmigrated):
        said = (
            "it has no tables of ours" if store.version is None else f"it is at version {store.version}, an older one"
        )
        return wrong("database", said, f"{program()} migrate")
    return good("database", "answers, and is migrated")


def _open(status: Status) -> Iterator[Check]:
    if not isinstance(status.store, RowCounts):
        yield unknown("dead, parked", "the database knows")
        return
    found = {one.outcome: one for one in status.store.open}
    for outcome, name in (("dead", "dead letters"), ("quarantined", "quarantined"), ("parked", "parked")):
        one = found.get(outcome)
        if one is None:
            if outcome != "quarantined":
                yield good(name, "none")
            continue
        said = at_most(one.count) + (f" since {shown(one.since)}" if one.since else "")
        said += f", {at_most(one.recent)} of them in the last hour" if one.recent else ", none in the last hour"
        cure = f"{program()} dead list --outcome {outcome}"
        if outcome == "dead":
            yield wrong(name, said, cure)
        elif one.recent_known:
            yield warning(name, f"{said}, {at_most(one.recent_known)} of known event types", cure)
        else:
            yield good(name, said)


def at_most(number: int) -> str:
    """A count that was counted up to a bound."""
    return f"{number} or more" if number >= MOST_COUNTED else str(number)


def size(told: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if told < 1024:
            return f"{told:.0f} {unit}"
        told /= 1024
    return f"{told:.1f} TiB"
