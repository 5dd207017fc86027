"""The hooks: whether the gateway has those that are desired, and no others of ours."""

from redis import Redis
from sqlalchemy import Engine

from cli.checks import Check, Silence, good, unknown, warning, wrong
from cli.output.terminal import program
from gateway.client import GatewayFailure, GatewayRefused
from gateway.comparison import Comparison
from gateway.factory import reconciler
from workers.settings import WorkerSettings


def read(settings: WorkerSettings, redis: Redis, engine: Engine) -> Comparison | GatewayFailure:
    """Compare, as `hooks plan` does. The settings have to tell of key, URL and token. Raises redis.RedisError."""
    with reconciler(settings.account, redis, engine) as run:
        try:
            return run.compare()
        except GatewayFailure as failure:
            return failure


def check(found: Comparison | GatewayFailure | Silence, settings: WorkerSettings) -> Check:
    """What the comparison says, or why there was none."""
    name = "hooks"
    if isinstance(found, Comparison):
        return _compared(name, found, settings.seven_hooks_mode)
    if isinstance(found, GatewayRefused):
        return wrong(name, f"the gateway refuses: {found}", "deploy/README.md, Key refused")
    said = found.cause if isinstance(found, Silence) else str(found)
    return unknown(name, said, "try again; deliveries do not need it")


def unread(settings: WorkerSettings) -> Check | None:
    """That nobody can compare them; None when it can be done."""
    if missing := settings.account.missing_settings:
        return warning("hooks", f"nobody compares them: {missing} not set", "set it, and restart worker and beat")
    return None


def _compared(name: str, comparison: Comparison, mode: str) -> Check:
    found = comparison.plan
    if comparison.holds:
        return wrong(name, "; ".join(hold.text for hold in comparison.holds), "deploy/README.md, Hooks held")
    if found.drift:
        return wrong(name, f"{found.drift} not as desired", f"{program()} hooks plan, then {program()} hooks apply")
    if found.overlapping:
        said = f"{len(found.overlapping)} beside one for all: those events arrive twice"
        return warning(name, said, "leave either out of SEVEN_HOOKS")
    return good(name, f"{len(found.matching)} as desired, mode {mode}")
