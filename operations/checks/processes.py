"""Processes: workers for every queue, one beat that sends, and time limits that fit into each other."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from ledger.announcements import CLOCK, broker
from ledger.claims import CLAIM_S
from ledger.schedules import BEAT_SILENT_S, BEAT_TICK_S, MAX_CLOCK_WAITING
from ledger.stats import LedgerStats
from operations.checks.ages import when
from operations.checks.check import Check, Grade, Unread, good, unknown, warning, wrong
from operations.checks.machine import FEWEST_FILES, open_files_check
from operations.checks.receivers import ReceiverAnswer
from operations.checks.subject import Replicas
from operations.worker_info import Worker, own_versions
from runtime.durations import duration
from runtime.settings.workers import ScheduleSettings
from seven.events import QUEUES
from store.circuit_breaker import LONGEST_PAUSE_S, SPREAD
from store.transactions import TRANSACTION_S


def checks(
    workers: Sequence[Worker] | Unread,
    ledger: LedgerStats | Unread,
    settings: ScheduleSettings,
) -> Iterator[Check]:
    """All of them."""
    yield beat(ledger)
    yield consumed(workers, (*QUEUES, CLOCK))
    if not isinstance(workers, Unread) and workers:
        yield _versions(workers)
        yield _files(workers)
    visibility_s = broker("redis://")["broker_transport_options"]["visibility_timeout"]
    yield time_limits(visibility_s, settings.seven_stall_s, settings.seven_overdue_s)


def consumed(workers: Sequence[Worker] | Unread, queues: Sequence[str] = QUEUES) -> Check:
    """Whether a worker consumes each of these queues."""
    name = "workers"
    if isinstance(workers, Unread):
        return unknown(name, f"they are queried through Redis ({workers.reason})")
    if not workers:
        return wrong(name, "none answers", "start one: what is accepted waits, and nothing is lost")
    taken = frozenset().union(*(worker.queues for worker in workers))
    lacking = ", ".join(queue for queue in queues if queue not in taken)
    if lacking and all(worker.version for worker in workers):
        return wrong(name, f"no worker consumes {lacking}", "start a worker for all queues (no -Q)")
    if lacking:
        return unknown(name, f"unknown whether any worker consumes {lacking}", "some run another version: upgrade them")
    return good(name, f"{len(workers)}, and each queue is consumed")


def working(workers: Sequence[Worker] | Unread) -> Check:
    """Whether they consume, and none is held up by the database."""
    check = consumed(workers)
    if isinstance(workers, Unread) or check.grade is Grade.WRONG:
        return check
    holding = [worker for worker in workers if worker.held]
    if holding:
        finding = f"{len(holding)} of {len(workers)} hold: {holding[0].held}"
        return wrong("workers", finding, "bring the database back; the backlog drains by itself")
    if not all(worker.version for worker in workers):
        return warning("workers", "some run another version of this program", "upgrade them")
    return good("workers", f"{len(workers)} consume{'s' * (len(workers) == 1)}, none is held up")


def replicas(
    workers: Sequence[Worker] | Unread, receivers: Sequence[ReceiverAnswer] | Unread, configured: Replicas
) -> Iterator[Check]:
    """Whether as many run on this machine as `.env` says: the next `up` ends what `--scale` once added."""
    running: list[tuple[str, str, int, int | None]] = []
    if not isinstance(workers, Unread):
        here = sum(worker.name.rpartition("@")[2] == configured.host for worker in workers)
        running.append(("workers", "WORKER_REPLICAS", here, configured.workers))
    if not isinstance(receivers, Unread):
        running.append(("receivers", "INGEST_REPLICAS", len(receivers), configured.receivers))
    for name, setting, number, wanted in running:
        if wanted is not None and number > wanted:
            finding = f"{number} {name} run here, and {setting} is {wanted}: the next `up` ends {number - wanted}"
            yield warning("replicas", finding, f"{setting}={number} in .env")
        elif wanted is not None and 0 < number < wanted:
            yield warning("replicas", f"{number} of {wanted} {name} run here", "docker compose ps -a, and the log")


def beat(ledger: LedgerStats | Unread) -> Check:
    """Whether one beat ticks, and sends what is due."""
    name = "beat"
    if isinstance(ledger, Unread):
        return unknown(name, f"Redis knows ({ledger.reason})")
    if not any(age_s <= BEAT_SILENT_S for age_s in ledger.beat_ages_s):
        return wrong(name, "none ticks", "start one: without it there is no sweep, no reconciliation, no audit")
    late = [f"{task} for {duration(timedelta(seconds=sent.age_s))}" for task, sent in ledger.sent.items() if sent.late]
    if late and ledger.clock_announcements >= MAX_CLOCK_WAITING:
        return wrong(name, f"sends nothing, since its tasks wait: {', '.join(late)}", "start a worker")
    if late:
        return wrong(name, f"ticks, and has not sent {', '.join(late)}", "look at its log, and restart it")
    ticking = sum(age_s <= 3 * BEAT_TICK_S for age_s in ledger.beat_ages_s)  # a killed one is forgotten soon
    if ticking > 1:
        remedy = "look again in a minute: a killed one is gone then; else stop all but one"
        return warning(name, f"{ticking} tick: everything is done twice, harmlessly", remedy)
    return good(name, f"ticked {when(timedelta(seconds=ledger.beat_ages_s[0]))}, and sends what is due")


def _versions(workers: Sequence[Worker]) -> Check:
    program, schema = own_versions()
    others = [worker for worker in workers if (worker.version, worker.schema) != (program, schema)]
    if not others:
        return good("versions", f"all are {program}, for tables of version {schema}")
    versions = {f"{worker.version or 'another'}, for tables {worker.schema or 'of another'}" for worker in others}
    finding = f"{len(others)} of {len(workers)} workers are not {program}, for tables {schema}: "
    return warning(
        "versions",
        finding + "; ".join(sorted(versions)),
        "restart them with this version, or use the command of theirs",
    )


def _files(workers: Sequence[Worker]) -> Check:
    known = [worker.files for worker in workers if worker.version and worker.files >= 0]
    return open_files_check("open files", min(known, default=FEWEST_FILES))


def time_limits(visibility_s: float, stall_s: float, overdue_s: float) -> Check:
    """Whether work in progress ends before the bound after which it counts as dead. Locks and joins guard the rest."""
    limits = (
        (TRANSACTION_S, "a transaction", visibility_s, "the broker's visibility timeout"),
        (CLAIM_S, "a claim on one envelope", visibility_s, "the broker's visibility timeout"),
        (TRANSACTION_S, "a transaction", stall_s, "SEVEN_STALL_S"),
        (LONGEST_PAUSE_S * (1 + SPREAD), "a pause of the circuit breaker", overdue_s, "SEVEN_OVERDUE_S"),
    )
    broken = [
        f"{work} may take {long:.0f} s, and {name} is {bound:.0f} s"
        for long, work, bound, name in limits
        if long >= bound
    ]
    if broken:
        remedy = "raise it: work in progress would be taken for dead, and repeated"
        return wrong("time limits", "; ".join(broken), remedy)
    return good("time limits", f"visibility timeout {visibility_s:.0f} s, transactions {TRANSACTION_S:.0f} s at most")
