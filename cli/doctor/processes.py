"""Processes: workers for every queue, one beat, and time limits that fit into each other."""

from collections.abc import Iterator, Mapping, Sequence

from cli.checks import Check, Silence, good, unknown, warning, wrong
from ledger.announcements import CLOCK, broker
from ledger.claims import ALONE_S
from ledger.stats import Sent
from operations.audit_schedule import LONGEST_S
from seven.events import QUEUES
from store.circuit_breaker import LONGEST_PAUSE_S, SPREAD
from store.ordinals import SNAPSHOT_S
from store.timeouts import TRANSACTION_S
from workers.heartbeat import EVERY_S, SILENT_S
from workers.settings import WorkerSettings
from workers.worker_info import Worker, ours

FEWEST_FILES = 1024


def checks(
    workers: Sequence[Worker] | Silence,
    beat_ages_s: Sequence[float] | Silence,
    settings: WorkerSettings,
    sent: Mapping[str, Sent] | Silence | None = None,
) -> Iterator[Check]:
    """Everything about them. `sent` is what beats have sent, where that was read."""
    yield _beat(beat_ages_s, {} if sent is None or isinstance(sent, Silence) else sent)
    if isinstance(workers, Silence):
        yield unknown("workers", f"they are asked by way of Redis ({workers.cause})")
    else:
        yield _queues(workers)
        if workers:
            yield _versions(workers)
            yield _files(workers)
    visibility_s = broker("redis://")["broker_transport_options"]["visibility_timeout"]
    yield time_limits(visibility_s, settings.seven_stall_s, settings.seven_overdue_s)


def _beat(ages_s: Sequence[float] | Silence, sent: Mapping[str, Sent]) -> Check:
    if isinstance(ages_s, Silence):
        return unknown("beat", f"Redis knows ({ages_s.cause})")
    ticking = [age_s for age_s in ages_s if age_s <= 3 * EVERY_S]  # one that was killed is forgotten soon
    if not any(age_s <= SILENT_S for age_s in ages_s):
        return wrong("beat", "none ticks", "start one: without it nothing is announced again, read or audited")
    if len(ticking) > 1:
        said = f"{len(ticking)} tick: everything is done twice, and harmlessly"
        return warning("beat", said, "look again in a minute: one that was killed is gone then; else end all but one")
    if late := [f"{task} for {entry.age_s:.0f} s" for task, entry in sent.items() if entry.late]:
        state = f"one ticks, and has not sent {', '.join(late)}"
        return wrong("beat", state, "is there a worker that takes its tasks? Else look at its log, and restart it")
    return good("beat", "one ticks, and sends what is due")


def _queues(workers: Sequence[Worker]) -> Check:
    consumed = frozenset().union(*(one.queues for one in workers))
    lacking = [queue for queue in (*QUEUES, CLOCK) if queue not in consumed]
    if not workers:
        return wrong("workers", "none answers", "start one: what is accepted waits, and nothing is lost")
    if lacking and all(one.version for one in workers):
        return wrong("workers", f"nobody consumes {', '.join(lacking)}", "start a worker for all queues (no -Q)")
    if lacking:
        return unknown("workers", f"whether anybody consumes {', '.join(lacking)} is not known", "see below")
    return good("workers", f"{len(workers)}, and each queue is consumed")


def _versions(workers: Sequence[Worker]) -> Check:
    mine = ours()
    others = [one for one in workers if (one.version, one.schema) != mine]
    if not others:
        return good("versions", f"all are {mine[0]}, for tables of version {mine[1]}")
    told = {f"{one.version or 'another'}, for tables {one.schema or 'of another'}" for one in others}
    said = f"{len(others)} of {len(workers)} workers are not {mine[0]}, for tables {mine[1]}: {'; '.join(sorted(told))}"
    return warning("versions", said, "restart them with this version, or use the command of theirs")


def _files(workers: Sequence[Worker]) -> Check:
    fewest = min((one.files for one in workers if one.version and one.files >= 0), default=FEWEST_FILES)
    if fewest < FEWEST_FILES:
        return warning("open files", f"a worker may open {fewest}", f"ulimit -n {FEWEST_FILES} or more")
    return good("open files", "enough for workers")


def time_limits(visibility_s: float, stall_s: float, overdue_s: float) -> Check:
    """What takes long at most must be shorter than what counts it as dead. The rest is guarded by locks and joins."""
    must = (
        (TRANSACTION_S, "a transaction", visibility_s, "the broker's visibility timeout"),
        (ALONE_S, "an envelope alone in hand", visibility_s, "the broker's visibility timeout"),
        (TRANSACTION_S, "a transaction", stall_s, "SEVEN_STALL_S"),
        (LONGEST_PAUSE_S * (1 + SPREAD), "a pause of a hold", overdue_s, "SEVEN_OVERDUE_S"),
        (SNAPSHOT_S, "an audit", LONGEST_S + 1, "the lock of audits"),
    )
    found = [
        f"{what} may take {long:.0f} s, and {name} is {bound:.0f} s"
        for long, what, bound, name in must
        if long >= bound
    ]
    if found:
        return wrong("time limits", "; ".join(found), "raise it: what is done would be taken for dead, and done again")
    return good("time limits", f"visibility timeout {visibility_s:.0f} s, transactions {TRANSACTION_S:.0f} s at most")
