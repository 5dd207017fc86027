"""hooks: the subscriptions at the gateway, listed, compared with the desired ones, and repaired."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from redis.exceptions import RedisError

from cli.confirm import ask, askable
from cli.database import store_engine
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.output.terminal import document, line, program, table
from gateway.client import GatewayFailure
from gateway.comparison import Comparison
from gateway.factory import reconciler
from gateway.reconciler import Reconciler, ReconcileResult
from ledger.client import Ledger
from ledger.keyspace import fingerprint
from runtime.redis_url import reason
from runtime.settings import load
from seven.hooks import Addresses, Hook
from workers.settings import WorkerSettings

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
NO_BOUND = sys.maxsize  # who has seen the plan and said yes needs no breaker for its size

app = typer.Typer(no_args_is_help=True, help="The subscriptions at the gateway: list, plan, apply.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every hook of the account, ours and others'. Addresses are shown without what is secret in them."""
    with _reconciler() as (run, addresses), _answering():
        hooks = run.read()
    told = [_told(hook, addresses) for hook in hooks]
    if as_json:
        document(told)
    else:
        table(f"Hooks at the gateway: {len(told)}", _COLUMNS, ([one[name] for name in _COLUMNS] for one in told))


@app.command("plan")
def plan_(as_json: AsJson = False) -> None:
    """What it would take to have the hooks as desired. Changes nothing; exit code 1 when they are not."""
    with _reconciler() as (run, addresses), _answering():
        found = run.compare()
    _show(found, addresses, as_json=as_json)
    raise typer.Exit(ExitCode.WRONG if found.plan.drift or found.holds else ExitCode.GOOD)


@app.command("apply")
def apply_(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Make anew what was made here and is not listed; look at the account first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the plan, ask, and carry it out: what is missing is made first, what is surplus goes when that is safe."""
    askable(yes, "`hooks plan`")
    with _reconciler(again=again) as (run, addresses), _answering():
        found = run.compare()
        if not as_json:
            _show(found, addresses, as_json=False)
        ask(yes or not found.plan.drift, "Carry it out?")
        done = run.run(apply=True)
    if done is None:
        fail(ExitCode.UNKNOWN, "Another reconciling is under way; try again in a moment.")
    _show_done(done, addresses, as_json=as_json)
    if done.plan is None:
        raise typer.Exit(ExitCode.UNKNOWN)
    raise typer.Exit(ExitCode.WRONG if done.plan.drift else ExitCode.GOOD)


_COLUMNS = ("id", "whose", "event_type", "request_method", "event_filter", "enabled", "address")


@contextmanager
def _reconciler(*, again: bool = False) -> Iterator[tuple[Reconciler, Addresses]]:
    """The reconciler that the environment describes. Ends with exit code 2 where it does not."""
    home = Installation.from_environment()
    if home.emulates:
        sys.stderr.write("No SEVEN_API_KEY is set: this is about the emulator that `up` starts.\n")
    os.environ.update(home.environment())
    settings = load(WorkerSettings)
    account = settings.account
    if account.addresses is None or account.missing_settings:
        fail(ExitCode.USAGE, f"configuration: {account.missing_settings}: not set")
    ledger, engine = Ledger(settings.redis_url.get_secret_value()), store_engine()
    try:
        with reconciler(account, ledger.redis, engine, NO_BOUND, again=again) as run:
            yield run, account.addresses
    finally:
        ledger.close()
        engine.dispose()


@contextmanager
def _answering() -> Iterator[None]:
    """Ends with exit code 3 when gateway or Redis do not answer, or refuse."""
    try:
        yield
    except GatewayFailure as failure:
        fail(ExitCode.UNKNOWN, f"The hooks cannot be read: {failure}")
    except RedisError as error:
        fail(ExitCode.UNKNOWN, f"REDIS_URL: it does not answer ({reason(error)})")


def _told(hook: Hook, addresses: Addresses) -> dict[str, Any]:
    token = addresses.token(hook.target_url)
    parts = urlsplit(hook.target_url)
    # the path of an address is a secret: ours is shown by the token's fingerprint, others' not at all
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


def _show(comparison: Comparison, addresses: Addresses, *, as_json: bool) -> None:
    found = comparison.plan
    groups = {
        "matching": [(actual, "") for _, actual in found.matching],
        "missing": [(hook, "to be created") for hook in found.missing],
        "drifted": [(one.actual, f"to be replaced: {', '.join(one.differences)}") for one in found.drifted],
        "surplus": [(hook, "to be removed") for hook in found.surplus],
        "overlapping": [(hook, "every event arrives twice, beside `all`") for hook in found.overlapping],
        "strangers": [(hook, "not ours, not touched") for hook in found.strangers],
    }
    told = {name: [_told(hook, addresses) | {"what": what} for hook, what in hooks] for name, hooks in groups.items()}
    if as_json:
        document({"drift": found.drift, "holds": [hold._asdict() for hold in comparison.holds], **told})
        return
    rows = [[name, one["what"], *(one[c] for c in _COLUMNS)] for name, some in told.items() for one in some]
    table("Hooks", ("", "what", *_COLUMNS), rows)
    for hold in comparison.holds:
        line(hold.text, "yellow")
    if not found.drift:
        line("All hooks are as desired.")
    else:
        line(f"{found.drift} are not as desired. To repair them: {program()} hooks apply")


def _show_done(done: ReconcileResult, addresses: Addresses, *, as_json: bool) -> None:
    made = [{"action": one.action, **_told(one.hook, addresses)} for one in done.done if one.hook]
    if as_json:
        document({"done": made, "held": done.held, "drift": done.plan.drift if done.plan else None})
        return
    for one in made:
        line(f"{one['action']} hook {one['id']}: {one['event_type']} {one['request_method']} {one['address']}")
    if done.held:
        line(done.held, "yellow")
    elif not made:
        line("Nothing was to do.")
