"""dead: the deliveries that were not applied, dead or parked: listed, shown, replayed, discarded."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from sqlalchemy import Engine

from cli.commands.dead_selection import Ids, Limit, Outcomes, Reason, Sources, Types, selection
from cli.commands.dead_work import carry_out
from cli.confirm import ask, askable
from cli.database import opened, reading
from cli.exits import ExitCode, end, fail, why
from cli.output.dead import (
    tell_groups,
    tell_list,
    tell_plan,
    tell_replayed,
    tell_whole,
    told_plan,
    told_replayed,
    whole,
)
from cli.output.progress import Portions
from cli.output.terminal import document, line, shown
from cli.times import Since, Until
from operations.dead_letters import Selection, failures, groups, listed, selected, unapplied
from operations.replay import Plan, Replayed, discard, replay
from operations.reprocess import reread
from seven.field_types import storable
from seven.records import ArchivedDelivery
from store.record_rows import kept

LISTED = 50
RATE = 500.0  # deliveries a second: workers do many times that, and are to notice nothing
REPLAYED = ("dead", "parked")  # quarantined ones may be forged: only who says so replays them
MOST_NAMED = 20

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, and change nothing.")]
Rate = Annotated[float, typer.Option("--rate", min=0.01, help="Deliveries a second, at most.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

app = typer.Typer(
    no_args_is_help=True,
    help="Deliveries that were not applied, dead, parked or quarantined: list, show, replay, discard.",
)


@app.command("list")
def list_(
    *,
    ids: Ids = None,
    outcome: Outcomes = None,
    event_type: Types = None,
    source: Sources = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """How many of each kind there are, and the newest 50 of them, or --limit. Discarded ones only with --outcome."""
    told = selection(
        ids=ids,
        outcomes=outcome,
        event_types=event_type,
        sources=source,
        reason=reason,
        since=since,
        until=until,
        limit=limit or (None if ids else LISTED),
    )
    with reading() as connection:
        counted, found = groups(connection, told), listed(connection, told)
    if as_json:
        document({"deliveries": sum(one["deliveries"] for one in counted), "groups": counted, "listed": found})
    else:
        tell_list(counted, found)
    raise typer.Exit(_unmatched(told, [one["id"] for one in found]))


@app.command("show")
def show(
    told: Annotated[str, typer.Argument(metavar="ID", help="A delivery's own id.")], as_json: AsJson = False
) -> None:
    """All about one delivery: reason, history, what came, and what it would become today."""
    with reading() as connection:
        place = (ArchivedDelivery.table, (storable(told.strip()),))
        found = kept(connection, [place]).get(place)
        if not isinstance(found, ArchivedDelivery):
            fail(ExitCode.WRONG, f"There is no delivery {shown(told)}.")
        waiting, history = unapplied(connection, [found.id]), failures(connection, [found.id])
    one = whole(found, reread(waiting[0]) if waiting else None, history)
    if as_json:
        document(one)
    else:
        tell_whole(one)


@app.command("replay")
def replay_(
    *,
    ids: Ids = None,
    outcome: Outcomes = None,
    event_type: Types = None,
    source: Sources = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    rate: Rate = RATE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Understand deliveries anew and apply them: show the plan, ask, and do it. Without words all dead and parked ones.

    May be interrupted at any moment: what is done is done, and the same again does the rest. What fails again keeps
    its history. Exit code 1 when something is dead afterwards, or something named by its id was not replayed.
    """
    told = selection(
        ids=ids,
        outcomes=outcome,
        event_types=event_type,
        sources=source,
        reason=reason,
        since=since,
        until=until,
        limit=limit,
        default=REPLAYED,
    )
    askable(yes or dry_run)
    done = Replayed()
    with opened() as engine:
        chosen = _chosen(engine, told)
        plan = _planned(engine, chosen, risk=bool(ids))
        if chosen and not as_json:
            tell_plan(plan)
        code = _unmatched(told, chosen)
        if dry_run or not chosen:
            if as_json:
                document({"dry_run": dry_run, "plan": told_plan(plan)})
            elif not chosen:
                line("Nothing of that kind is to be replayed; what is in quarantine only with --outcome or by its id.")
            raise typer.Exit(max(code, _code(plan.replayed, told)))
        ask(yes, f"Replay {len(chosen)} deliveries?")
        stopped = carry_out(
            engine, chosen, "replayed", rate, lambda store, some: done.add(replay(store, some, risk=bool(ids)))
        )
    if as_json:
        document({"dry_run": False, "plan": told_plan(plan), "done": told_replayed(done), "stopped": why(stopped)})
    else:
        tell_replayed("Replayed", done)
    end(stopped, "replayed", len(chosen))
    raise typer.Exit(max(code, _code(done, told)))


@app.command("discard")
def discard_(
    *,
    ids: Ids = None,
    outcome: Outcomes = None,
    event_type: Types = None,
    source: Sources = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    rate: Rate = RATE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Say of deliveries, quarantined ones too, that they are seen and not wanted: show how many, ask, and do it.

    No row goes. They are listed no more, but for --outcome discarded; the audit counts them; a replay can still
    apply them.
    """
    told = selection(
        ids=ids,
        outcomes=outcome,
        event_types=event_type,
        sources=source,
        reason=reason,
        since=since,
        until=until,
        limit=limit,
    )
    askable(yes or dry_run)
    done: list[int] = []
    stopped = None
    with opened() as engine:
        chosen = _chosen(engine, told)
        with engine.connect().execution_options(reads=True) as connection:
            counted = groups(connection, replace(told, ids=tuple(chosen))) if chosen else []
        if not as_json:
            tell_groups(f"To be discarded: {len(chosen)}", counted)
        code = _unmatched(told, chosen)
        if chosen and not dry_run:
            ask(yes, f"Discard {len(chosen)} deliveries?")
            stopped = carry_out(
                engine, chosen, "discarded", rate, lambda store, some: done.append(discard(store, some))
            )
    if as_json:
        document({"dry_run": dry_run, "groups": counted, "discarded": sum(done), "stopped": why(stopped)})
    elif not dry_run:
        line(f"Discarded: {sum(done)}")
    end(stopped, "discarded", len(chosen))
    raise typer.Exit(code)


def _chosen(engine: Engine, told: Selection) -> list[str]:
    """Fixed before anything is done: what comes meanwhile was in no plan. The oldest come first."""
    with engine.connect().execution_options(reads=True) as connection:
        return selected(connection, told)[::-1]


def _planned(engine: Engine, chosen: Sequence[str], risk: bool) -> Plan:
    plan = Plan(engine, risk)
    with Portions(chosen, "planned") as portions:
        for portion in portions:
            plan.look(portion)
    if portions.interrupted:
        fail(ExitCode.WRONG, "Interrupted while planning. Nothing was changed.")
    return plan


def _unmatched(told: Selection, found: Sequence[str]) -> ExitCode:
    """Exit code 1, and says so, where ids were named that are no such deliveries."""
    lacking = [] if told.limit else sorted({*told.ids} - {*found})
    if not lacking:
        return ExitCode.GOOD
    named = ", ".join(map(shown, lacking[:MOST_NAMED]))
    sys.stderr.write(f"No such delivery waits here, {len(lacking)} of those named: {named}\n")
    return ExitCode.WRONG


def _code(replayed: Replayed, told: Selection) -> ExitCode:
    lacks = replayed.failed or (told.ids and replayed.count("left"))
    return ExitCode.WRONG if lacks else ExitCode.GOOD
