"""doctor: everything that would hurt later, each with its cure."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cli.checks import Check, Silence, count, exit_code, good, tell, told, unknown, warning
from cli.context import Context
from cli.doctor import clocks, database, guards, hooks, machine, processes, public_url, redis_server, secret_strength
from cli.doctor.reading import Read, read
from cli.output.terminal import document, line
from runtime.settings import unknown_names


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nobody outside: neither the public URL nor the gateway.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Look for everything that would hurt later, and say what cures it. Safe on a live system.

    Exit code 1 when something is wrong, 3 when something could not be found out; a warning is neither.
    """
    surroundings = Context.from_environment()
    concerns = dict(examine(read(surroundings, offline=offline), surroundings, offline=offline))
    checks = [one for some in concerns.values() for one in some]
    grades = {grade.value: number for grade, number in count(checks).items()}
    if as_json:
        document({**grades, "concerns": {name: told(some) for name, some in concerns.items()}})
    else:
        for name, some in concerns.items():
            line(name, "bold")
            tell(some)
            line()
        line(", ".join(f"{number} {grade}" for grade, number in grades.items() if number), "bold")
    raise typer.Exit(exit_code(checks))


def examine(found: Read, around: Context, *, offline: bool) -> Iterator[tuple[str, list[Check]]]:
    """Every check, by concern."""
    settings = around.settings
    workers = [] if isinstance(found.workers, Silence) else found.workers
    threads = max((one.threads for one in workers), default=settings.seven_worker_threads)
    connections = database.wanted(max(1, len(workers)), threads)
    yield "The ledger: Redis", list(redis_server.checks(found.redis, settings.seven_ledger_limit))
    yield "The database", list(database.checks(found.database, connections))
    yield "Clocks", list(clocks.checks(found.skews))
    yield "Processes", list(processes.checks(found.workers, found.beat_ages_s, settings, found.sent))
    yield "From outside", list(_outside(found, around, offline=offline))
    auth = around.home.settings.flower_basic_auth
    yield "Guards", list(guards.checks(found.guards, settings, found.at))
    used_at = None if isinstance(found.guards, Silence) else found.guards.tokens
    yield "Secrets", list(secret_strength.checks(settings, auth, used_at, emulated=around.emulated))
    alone = machine.is_local(urlsplit(around.flower_url).hostname)
    here = machine.checks(found.disks, machine.open_files(), unknown_names(), found.flower, alone=alone)
    yield "Here", list(here)


def _outside(found: Read, around: Context, *, offline: bool) -> Iterator[Check]:
    if offline:
        yield good("outside", "nobody was asked: --offline")
        return
    if found.visits is None:
        said = "SEVEN_PUBLIC_URL or SEVEN_HOOK_TOKEN is not set: nobody knows whether the gateway reaches us"
        yield warning("public URL", said, "set both")
    elif isinstance(found.visits, Silence):
        yield unknown("public URL", found.visits.cause)
    else:
        yield from public_url.checks(found.visits, found.expiries, found.at)
    if unread := hooks.unread(around.settings):
        yield unread
    elif found.plan is not None:
        yield hooks.check(found.plan, around.settings)
