"""Schedules: whether audit and retention run at their intervals, and what they found."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ledger.schedules import is_late
from ledger.stats import LedgerStats
from operations.checks.ages import AHEAD, SET_BACK, when
from operations.checks.check import Check, good, warning, wrong
from runtime.settings.retention import RetentionSettings
from runtime.settings.workers import ScheduleSettings


def audit(figures: Mapping[str, Any] | None, settings: ScheduleSettings, now: datetime) -> Check:
    """The last audit. `figures`: what it left, None before the first one."""
    if figures is None:
        return warning("audit", "there was none yet", "seven-ingest audit")
    age = timedelta(seconds=now.timestamp() - float(figures["at"]))
    if figures["lost"]:
        return wrong("audit", f"something is lost, or may be; {when(age)}", "seven-ingest audit")
    if is_late(age.total_seconds(), settings.seven_audit_s):
        return wrong("audit", f"the last one was {when(age)}", "seven-ingest audit")
    if age < AHEAD:
        return warning("audit", f"nothing is lost; {when(age)}", SET_BACK)
    return good("audit", f"nothing is lost; {when(age)}")


def retention(ledger: LedgerStats, settings: RetentionSettings) -> Iterator[Check]:
    """The last pass of retention; nothing before the first one."""
    if ledger.retention_refused:
        yield wrong("retention", f"removes nothing: {ledger.retention_refused}", "keep time by NTP on each machine")
        return
    if ledger.retained_at is None:
        return
    age = ledger.figures.now - ledger.retained_at
    if is_late(age.total_seconds(), settings.seven_retain_s):
        yield warning("retention", f"the last pass ended {when(age)}", "look at the workers' logs for `retain`")
    elif age < AHEAD:
        yield warning("retention", f"the last pass ended {when(age)}", SET_BACK)
    else:
        yield good("retention", f"the last pass ended {when(age)}")
