"""dead: lists, shows, replays and discards deliveries that were not applied."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from sqlalchemy import Engine

from cli.commands.dead_selection import takes_selection
from cli.commands.dead_work import carry_out
from cli.confirm import confirm, require_terminal
from cli.database import open_database, projection_options, read_connection
from cli.exits import ExitCode, end_if_interrupted, fail, reason_of
from cli.forgotten import forgotten_register
from cli.options import MOST_PER_S, AsJson, DryRun, Yes
from cli.output.dead import (
    delivery_as_dict,
    plan_as_dict,
    print_delivery,
    print_groups,
    print_list,
    print_plan,
    print_replay,
    replay_as_dict,
)
from cli.output.progress import Portions
from cli.output.terminal import document, line, shown
from operations.dead_letters import (
    Selection,
    count_groups,
    list_unapplied,
    read_contents,
    read_failures,
    read_unapplied,
    select_ids,
)
from operations.replay import ReplayPlan, ReplaySummary, discard, replay
from operations.reprocess import reprocess
from operations.samples import sample
from seven.archive_records import ArchivedDelivery
from seven.field_types import storable
from store.record_rows import read_records

LISTED = 50
RATE = 500.0  # deliveries a second: a fraction of what workers apply, so that a replay does not slow them down
REPLAYED = ("dead", "parked")  # quarantined ones may be forged: they are replayed on explicit request only
MOST_NAMED = 20

Rate = Annotated[float, typer.Option("--rate", min=0.01, max=MOST_PER_S, help="Deliveries a second, at most.")]

app = typer.Typer(
    no_args_is_help=True,
    help="Deliveries that were not applied, dead, parked or quarantined: list, show, replay, discard.",
)


@app.command("list")
@takes_selection()
def list_(selection: Selection, *, as_json: AsJson = False) -> None:
    """Count them by kind, and list the newest 50, or --limit. Discarded ones only with --outcome."""
    if not selection.ids and selection.limit is None:
        selection = replace(selection, limit=LISTED)
    with read_connection() as connection:
        groups, rows = count_groups(connection, selection), list_unapplied(connection, selection)
        contents = {} if as_json else read_contents(connection, [row["id"] for row in rows])
    if as_json:
        document({"deliveries": sum(group["deliveries"] for group in groups), "groups": groups, "listed": rows})
    else:
        print_list(groups, rows, contents)
    raise typer.Exit(_report_unmatched(selection, [row["id"] for row in rows]))


@app.command("show")
def show(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="A delivery's own id.")],
    *,
    is_redacted: Annotated[
        bool, typer.Option("--redacted", help="Only a sample to hand to others: numbers, texts, ids, URLs replaced.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show everything about one delivery: its payload, reason and failures, and what it would become today."""
    options = projection_options()
    with read_connection() as connection:
        key = (ArchivedDelivery.table, (storable(delivery_id.strip()),))
        delivery = read_records(connection, [key]).get(key)
        if not isinstance(delivery, ArchivedDelivery):
            fail(ExitCode.WRONG, f"There is no delivery {shown(delivery_id)}.")
        unapplied, failures = read_unapplied(connection, [delivery.id]), read_failures(connection, [delivery.id])
    if is_redacted:
        document(sample(delivery, unapplied[0] if unapplied else None))
        return
    details = delivery_as_dict(delivery, reprocess(unapplied[0], options=options) if unapplied else None, failures)
    if as_json:
        document(details)
    else:
        print_delivery(details)


@app.command("replay")
@takes_selection(REPLAYED)
def replay_(
    selection: Selection,
    *,
    rate: Rate = RATE,
    notify: Annotated[
        bool, typer.Option("--notify", help="Notify subscribers also of what is older than their max_age_days.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Process deliveries again and apply them: show the plan, ask, and do it. By default all dead and parked ones.

    May be interrupted at any moment: what is done stays done, and the same command again does the rest. Deliveries
    that fail again keep their history. Exit code 1 when one is dead afterwards, or one named by its id was not
    replayed.
    """
    require_terminal(yes or dry_run)
    done, force, options = ReplaySummary(), bool(selection.ids), projection_options()
    with open_database() as engine:
        ids = _select_ids(engine, selection)
        plan = _plan(ids, ReplayPlan(engine, force, options, forgotten_register()))
        if ids and not as_json:
            print_plan(plan)
        code = _report_unmatched(selection, ids)
        if dry_run or not ids:
            if as_json:
                document({"dry_run": dry_run, "plan": plan_as_dict(plan)})
            elif not ids:
                line("No delivery matches; quarantined ones are replayed only with --outcome, or by their ids.")
            raise typer.Exit(max(code, _code(plan.replayed, selection)))
        confirm(yes, f"Replay {len(ids)} deliveries?")
        interruption = carry_out(
            engine,
            ids,
            "replayed",
            rate,
            lambda store, portion: done.add(replay(store, portion, force, options, notify=notify)),
        )
    if as_json:
        document(
            {
                "dry_run": False,
                "plan": plan_as_dict(plan),
                "done": replay_as_dict(done),
                "stopped": reason_of(interruption),
            }
        )
    else:
        print_replay("Replayed", done)
    end_if_interrupted(interruption, "replayed", len(ids))
    raise typer.Exit(max(code, _code(done, selection)))


@app.command("discard")
@takes_selection()
def discard_(
    selection: Selection,
    *,
    rate: Rate = RATE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Mark deliveries, quarantined ones too, as seen and not wanted: show how many, ask, and do it.

    Rows stay. Discarded deliveries are listed only with --outcome discarded; the audit counts them; a replay can
    still apply them.
    """
    require_terminal(yes or dry_run)
    discarded: list[int] = []
    interruption = None
    with open_database() as engine:
        ids = _select_ids(engine, selection)
        with engine.connect().execution_options(reads=True) as connection:
            groups = count_groups(connection, replace(selection, ids=tuple(ids))) if ids else []
        if not as_json:
            print_groups(f"To be discarded: {len(ids)}", groups)
        code = _report_unmatched(selection, ids)
        if ids and not dry_run:
            confirm(yes, f"Discard {len(ids)} deliveries?")
            interruption = carry_out(
                engine, ids, "discarded", rate, lambda store, portion: discarded.append(discard(store, portion))
            )
    if as_json:
        document(
            {"dry_run": dry_run, "groups": groups, "discarded": sum(discarded), "stopped": reason_of(interruption)}
        )
    elif not dry_run:
        line(f"Discarded: {sum(discarded)}")
    end_if_interrupted(interruption, "discarded", len(ids))
    raise typer.Exit(code)


def _select_ids(engine: Engine, selection: Selection) -> list[str]:
    """The oldest first; read once, so that deliveries that arrive after the plan are not touched."""
    with engine.connect().execution_options(reads=True) as connection:
        return select_ids(connection, selection)[::-1]


def _plan(ids: Sequence[str], plan: ReplayPlan) -> ReplayPlan:
    with Portions(ids, "planned") as portions:
        for portion in portions:
            plan.add(portion)
    if portions.interrupted:
        fail(ExitCode.WRONG, "Interrupted while planning. Nothing was changed.")
    return plan


def _report_unmatched(selection: Selection, ids: Sequence[str]) -> ExitCode:
    """Report ids on the command line that the selection did not match. Returns exit code 1 if there are any."""
    unmatched = [] if selection.limit else sorted({*selection.ids} - {*ids})
    if not unmatched:
        return ExitCode.GOOD
    names = ", ".join(map(shown, unmatched[:MOST_NAMED]))
    sys.stderr.write(f"{len(unmatched)} of the ids match no delivery here: {names}\n")
    return ExitCode.WRONG


def _code(replayed: ReplaySummary, selection: Selection) -> ExitCode:
    incomplete = replayed.failed or (selection.ids and replayed.count("left"))
    return ExitCode.WRONG if incomplete else ExitCode.GOOD
