"""Hooks: whether the gateway has the desired ones, and no others of ours."""

from datetime import datetime, timedelta

from redis import Redis
from sqlalchemy import Engine

from gateway.api import GatewayFailure, GatewayRefused
from gateway.comparison import Comparison
from gateway.factory import Account, reconciler
from gateway.hook_state import HookState
from ledger.schedules import is_late
from operations.checks.ages import AHEAD, SET_BACK, when
from operations.checks.check import Check, Unread, good, unknown, warning, wrong
from runtime.settings.workers import ReconcileSettings

NAME = "hooks"


def read(account: Account, redis: Redis, engine: Engine) -> Comparison | GatewayFailure:
    """Compare, as `hooks plan` does. The account must be complete. Raises redis.RedisError."""
    with reconciler(account, redis, engine) as run:
        try:
            return run.compare()
        except GatewayFailure as failure:
            return failure


def unconfigured(account: Account) -> Check | None:
    """A check for the settings that the comparison lacks; None when all are set."""
    if missing := account.missing_settings:
        return warning(NAME, f"not compared: {missing} not set", "set it, and restart worker and beat")
    return None


def compared(comparison: Comparison | GatewayFailure | Unread, mode: str) -> Check:
    """Judge a comparison made just now."""
    if isinstance(comparison, GatewayRefused):
        return wrong(NAME, f"the gateway refuses: {comparison}", "deploy/alerts.md, The gateway refuses the API key")
    if not isinstance(comparison, Comparison):
        reason = comparison.reason if isinstance(comparison, Unread) else str(comparison)
        return unknown(NAME, reason, "try again; deliveries do not need it")
    plan = comparison.plan
    if comparison.holds:
        return wrong(NAME, "; ".join(hold.text for hold in comparison.holds), "deploy/alerts.md, Hooks held")
    if plan.drift:
        return wrong(NAME, f"{plan.drift} not as desired", "seven-ingest hooks plan, then seven-ingest hooks apply")
    if plan.overlapping:
        finding = f"{len(plan.overlapping)} beside one for all: those events arrive twice"
        return warning(NAME, finding, "leave either out of SEVEN_HOOKS")
    return good(NAME, f"{len(plan.matching)} as desired, mode {mode}")


def reconciled(state: HookState, settings: ReconcileSettings, now: datetime) -> Check:
    """Judge the last scheduled run by the state that it left."""
    if state.read_ms is None:
        return warning(NAME, "not read yet", "seven-ingest hooks plan")
    age = timedelta(milliseconds=now.timestamp() * 1000 - state.read_ms)
    read_at = f"read {when(age)}, mode {settings.seven_hooks_mode}"
    fault = state.holds[0][1] if state.holds else f"{state.drift} not as desired" if state.drift else ""
    if fault:
        return wrong(NAME, f"{fault}; {read_at}", "seven-ingest hooks plan; deploy/alerts.md, Hooks held")
    if is_late(age.total_seconds(), settings.seven_hooks_s):
        return wrong(NAME, f"could not be {read_at}", "seven-ingest hooks plan")
    if age < AHEAD:
        return warning(NAME, f"as desired, {read_at}", SET_BACK)
    return good(NAME, f"as desired, {read_at}")
