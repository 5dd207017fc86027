"""hooks: lists the hooks at the gateway, compares them with the desired ones, and repairs them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from redis.exceptions import RedisError

from cli.confirm import confirm, require_terminal
from cli.database import store_engine
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.options import AsJson, Yes
from cli.output.terminal import Column, document, line, suggestion, table
from gateway.api import GatewayFailure
from gateway.comparison import Comparison
from gateway.factory import reconciler
from gateway.reconciler import Reconciler, ReconcileResult
from ledger.client import Ledger
from ledger.keyspace import fingerprint
from runtime.redis_errors import redis_reason
from seven.hooks import Addresses, Hook
from workers.settings import WorkerSettings

NO_BOUND = sys.maxsize  # the operator confirms the plan, so its size needs no limit

app = typer.Typer(no_args_is_help=True, help="The hooks (webhook subscriptions) at the gateway: list, plan, apply.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every hook of the account, ours and others'. Addresses are shown without their secret parts."""
    with _reconciler() as (run, addresses), _exit_if_unreachable():
        hooks = [_as_dict(hook, addresses) for hook in run.read()]
    if as_json:
        document(hooks)
    else:
        rows = [[hook[name] for name, _, _ in _COLUMNS] for hook in hooks]
        table(f"Hooks at the gateway: {len(hooks)}", [Column(title, room) for _, title, room in _COLUMNS], rows)


@app.command("plan")
def plan_(as_json: AsJson = False) -> None:
    """Compare the hooks with the desired ones. Changes nothing; exit code 1 when they differ."""
    with _reconciler() as (run, addresses), _exit_if_unreachable():
        comparison = run.compare()
    _print_plan(comparison, addresses, as_json=as_json)
    raise typer.Exit(ExitCode.WRONG if comparison.plan.drift or comparison.holds else ExitCode.GOOD)


@app.command("apply")
def apply_(
    yes: Yes = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Recreate hooks made here that are not listed; check the account's page first."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the plan, ask, and carry it out: create missing hooks first, then remove surplus ones when that is safe."""
    require_terminal(yes, "`hooks plan`")
    with _reconciler(again=again) as (run, addresses), _exit_if_unreachable():
        comparison = run.compare()
        if not as_json:
            _print_plan(comparison, addresses, as_json=False)
        confirm(yes or not comparison.plan.drift, "Carry it out?")
        result = run.run(apply=True)
    if result is None:
        fail(ExitCode.UNKNOWN, "Another process is reconciling the hooks; try again in a moment.")
    _print_result(result, addresses, as_json=as_json)
    if result.plan is None:
        raise typer.Exit(ExitCode.UNKNOWN)
    raise typer.Exit(ExitCode.WRONG if result.plan.drift else ExitCode.GOOD)


_COLUMNS = (
    ("whose", "whose", 0), ("event_type", "event type", 0), ("address", "address", 0), ("enabled", "enabled", 1),
    ("event_filter", "filter", 2), ("request_method", "method", 3), ("id", "id", 4),
)  # fmt: skip
"""Key, name, and how early each leaves where there is no room."""


@contextmanager
def _reconciler(*, again: bool = False) -> Iterator[tuple[Reconciler, Addresses]]:
    """The reconciler of the environment's account. Ends with exit code 2 if a setting is missing."""
    installation = Installation.from_environment()
    if installation.emulated_here:
        sys.stderr.write("No SEVEN_API_KEY is set: these are the hooks of the emulator that `up` starts.\n")
    settings = installation.load_for_commands(WorkerSettings)
    account = settings.account
    if account.addresses is None or account.missing_settings:
        fail(ExitCode.USAGE, f"configuration: {account.missing_settings}: not set")
    ledger, engine = Ledger(settings.redis_url.get_secret_value()), store_engine()
    try:
        with reconciler(account, ledger.redis, engine, NO_BOUND, recreate_unlisted=again) as run:
            yield run, account.addresses
    finally:
        ledger.close()
        engine.dispose()


@contextmanager
def _exit_if_unreachable() -> Iterator[None]:
    """End with exit code 3 if the gateway or Redis does not answer, or refuses."""
    try:
        yield
    except GatewayFailure as failure:
        fail(ExitCode.UNKNOWN, f"The hooks cannot be read: {failure}")
    except RedisError as error:
        fail(ExitCode.UNKNOWN, f"REDIS_URL: it does not answer ({redis_reason(error)})")


def _as_dict(hook: Hook, addresses: Addresses) -> dict[str, Any]:
    token = addresses.token(hook.target_url)
    parts = urlsplit(hook.target_url)
    # the path of an address is a secret: ours is shown with the token's fingerprint, others' not at all
    address = (
        hook.target_url.replace(token, f"<{fingerprint(token)}>") if token else f"{parts.scheme}://{parts.hostname}/…"
    )
    return {
        "id": hook.id,
        "whose": "ours" if token else "stranger",
        "event_type": hook.event_type,
        "request_method": hook.request_method,
        "event_filter": hook.event_filter,
        "enabled": hook.enabled,
        "address": address,
    }


def _print_plan(comparison: Comparison, addresses: Addresses, *, as_json: bool) -> None:
    plan = comparison.plan
    actions = {
        "matching": [(actual, "as desired") for _, actual in plan.matching],
        "missing": [(hook, "to be created") for hook in plan.missing],
        "drifted": [(drift.actual, f"to be replaced: {', '.join(drift.differences)}") for drift in plan.drifted],
        "surplus": [(hook, "to be removed") for hook in plan.surplus],
        "overlapping": [(hook, "every event arrives twice, as an `all` hook exists") for hook in plan.overlapping],
        "strangers": [(hook, "not ours, not touched") for hook in plan.strangers],
    }
    groups = {
        name: [_as_dict(hook, addresses) | {"what": action} for hook, action in hooks]
        for name, hooks in actions.items()
    }
    if as_json:
        document({"drift": plan.drift, "holds": [hold._asdict() for hold in comparison.holds], **groups})
        return
    rows = [[hook["what"], *(hook[name] for name, _, _ in _COLUMNS[1:])] for hooks in groups.values() for hook in hooks]
    table("Hooks", ["what", *(Column(title, room) for _, title, room in _COLUMNS[1:])], rows)
    for hold in comparison.holds:
        line(hold.text, "yellow")
    if not plan.drift:
        line("All hooks are as desired.")
    else:
        suggestion(f"{plan.drift} {'is' if plan.drift == 1 else 'are'} not as desired. To repair:", "hooks apply")


def _print_result(result: ReconcileResult, addresses: Addresses, *, as_json: bool) -> None:
    changes = [
        {"action": change.action, **_as_dict(change.hook, addresses)} for change in result.changes if change.hook
    ]
    if as_json:
        document({"done": changes, "held": result.reason, "drift": result.plan.drift if result.plan else None})
        return
    for change in changes:
        hook = " ".join(change[name] for name in ("event_type", "request_method", "address"))
        line(f"{change['action']} hook {change['id']}: {hook}")
    if result.reason:
        line(result.reason, "yellow")
    elif not changes:
        line("Nothing had to be done.")
