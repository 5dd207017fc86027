"""What `status` thinks of what beat sends: the hooks, the audit and the retention, each at its own interval."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cli.checks import Check, Silence, good, unknown, warning, wrong
from cli.output.terminal import program
from cli.status_reading import InRedis, Status
from cli.times import AHEAD, SET_BACK, ago, when
from ledger.stats import is_late
from workers.heartbeat import SILENT_S
from workers.scheduler import MOST_WAITING
from workers.settings import WorkerSettings


def schedules(status: Status, settings: WorkerSettings) -> Iterator[Check]:
    """One check for beat, and one for each thing that it has done."""
    redis = status.redis
    if isinstance(redis, Silence):
        yield unknown("beat, hooks, audit", "Redis knows")
        return
    now = redis.ledger.figures.now
    yield _beat(redis)
    yield _hooks(redis, settings, now)
    yield _audit(redis, settings, now)
    yield from _retention(redis, settings, now)


def _beat(redis: InRedis) -> Check:
    ledger = redis.ledger
    if not any(age_s <= SILENT_S for age_s in ledger.beat_ages_s):
        return wrong("beat", "does not tick", "start it: without it nothing is announced again, read or audited")
    late = [f"{task} for {ago(timedelta(seconds=sent.age_s))}" for task, sent in ledger.sent.items() if sent.late]
    if late and ledger.clock_announcements >= MOST_WAITING:
        return wrong("beat", f"sends nothing, since its tasks wait: {', '.join(late)}", "start a worker")
    if late:
        return wrong("beat", f"ticks, and has not sent {', '.join(late)}", "look at its log, and restart it")
    return good("beat", f"ticked {when(timedelta(seconds=ledger.beat_ages_s[0]))}, and sends what is due")


def _hooks(redis: InRedis, settings: WorkerSettings, now: datetime) -> Check:
    if missing := settings.account.missing_settings:
        return warning("hooks", f"nobody compares them: {missing} not set", "set it, and restart worker and beat")
    memory = redis.hooks
    if memory.read_ms is None:
        return warning("hooks", "not read yet", f"{program()} hooks plan")
    age = timedelta(milliseconds=now.timestamp() * 1000 - memory.read_ms)
    read = f"read {when(age)}, mode {settings.seven_hooks_mode}"
    fault = memory.holds[0][1] if memory.holds else f"{memory.drift} not as desired" if memory.drift else ""
    if fault:
        return wrong("hooks", f"{fault}; {read}", f"{program()} hooks plan; deploy/README.md, Hooks held")
    if is_late(age.total_seconds(), settings.seven_hooks_s):
        return wrong("hooks", f"could not be {read}", f"{program()} hooks plan")
    if age < AHEAD:
        return warning("hooks", f"as desired, {read}", SET_BACK)
    return good("hooks", f"as desired, {read}")


def _audit(redis: InRedis, settings: WorkerSettings, now: datetime) -> Check:
    told = redis.audit
    if told is None:
        return warning("audit", "there was none yet", f"{program()} audit")
    age = timedelta(seconds=now.timestamp() - float(told["at"]))
    if told["lost"]:
        return wrong("audit", f"something is lost, or may be; {when(age)}", f"{program()} audit")
    if is_late(age.total_seconds(), settings.seven_audit_s):
        return wrong("audit", f"the last one was {when(age)}", f"{program()} audit")
    if age < AHEAD:
        return warning("audit", f"nothing is lost; {when(age)}", SET_BACK)
    return good("audit", f"nothing is lost; {when(age)}")


def _retention(redis: InRedis, settings: WorkerSettings, now: datetime) -> Iterator[Check]:
    retained_at = redis.ledger.retained_at
    if refused := redis.ledger.retention_refused:
        yield wrong("retention", f"removes nothing: {refused}", "keep time by NTP on each machine")
        return
    if retained_at is None:  # the first pass is still to come
        return
    age = now - retained_at
    if is_late(age.total_seconds(), settings.seven_retain_s):
        yield warning("retention", f"the last pass ended {when(age)}", "look at the workers' logs for `retain`")
    elif age < AHEAD:
        yield warning("retention", f"the last pass ended {when(age)}", SET_BACK)
    else:
        yield good("retention", f"the last pass ended {when(age)}")
