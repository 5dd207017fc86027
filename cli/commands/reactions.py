"""reactions: who is notified of what changed: list, show, test, retry, skip, pause, resume."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection, Engine

from cli.commands.reactions_work import carry_out, end_rest, note_rows
from cli.commands.reactions_work import retry as retry_waiting
from cli.confirm import confirm, require_terminal
from cli.database import open_database
from cli.exits import ExitCode, end_if_interrupted, fail
from cli.options import MOST_PER_S, AsJson, DryRun, Yes
from cli.output.reactions import as_dict, print_attempt, print_reaction, print_reactions, starting_for
from cli.output.terminal import document, line
from cli.settings import HomeSettings
from cli.times import parse_time
from operations.reaction_states import ReactionState, read_reaction_states, read_waiting
from reactions.change import Change
from reactions.change_examples import example
from reactions.reaction import Reaction
from reactions.reactions_file import InvalidReactions, read_reactions
from reactions.targets import create_target
from runtime.settings.environment import load
from runtime.settings.types import reveal_all
from seven.field_types import storable
from seven.hooks import Addresses
from seven.plurals import counted
from seven.visible_text import visible_text
from store import notifications, subscriptions
from store.outbox import Outbox
from store.replacement import EXPIRED
from store.row_writer import StoreAway
from store.standing_changes import Request, count_standing
from store.subscriptions import PAUSED
from store.timed_transactions import transact

SHOWN = 20
MOST_REASON = 200
RATE = 500.0  # changes a second: no more than workers note beside their work

Name = Annotated[str, typer.Argument(metavar="NAME", help="The subscriber, as the file of reactions names it.")]

app = typer.Typer(
    no_args_is_help=True, help="Who is notified of what changed: list, show, test, retry, skip, pause, resume."
)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List subscribers, what waits for them, and who fails. Exit code 1: one is paused or fails."""
    with _database() as engine:
        states = read_reaction_states(engine)
    if as_json:
        document({"reactions": [as_dict(state) for state in states]})
    else:
        print_reactions(states)
    hindered = any(each.state == PAUSED or each.failing_since for each in (state.subscription for state in states))
    raise typer.Exit(ExitCode.WRONG if hindered else ExitCode.GOOD)


@app.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one subscriber, and the changes that wait for it."""
    with _database() as engine:
        state, waiting = _known(engine, name), read_waiting(engine, name, SHOWN)
    if as_json:
        document({**as_dict(state), "next": [asdict(each) for each in waiting]})
    else:
        print_reaction(state, waiting)


@app.command("test")
def send_example(
    name: Name,
    topic: Annotated[
        str | None, typer.Option("--topic", metavar="TOPIC", help="The topic of the example; by default its first.")
    ] = None,
) -> None:
    """Send an example to a subscriber, from here: with sequence 0, and an id that no change has.

    Exit code 1: it was not accepted.
    """
    reaction = _in_file(name)
    topic = topic or min(reaction.topics)
    if topic not in reaction.topics:
        fail(ExitCode.USAGE, f"{name} does not subscribe to {topic[:60]}; but to {', '.join(sorted(reaction.topics))}.")
    change: Change = example(topic)
    target, began = create_target(reaction), time.monotonic()
    try:
        attempt = target.send(change.id, change.body())
    finally:
        target.close()
    print_attempt(name, topic, attempt, time.monotonic() - began)
    raise typer.Exit(ExitCode.GOOD if attempt.is_accepted else ExitCode.WRONG)


@app.command("retry")
def retry(
    name: Name,
    *,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Send rows that changed since then as they stand, instead."),
    ] = None,
    rate: Annotated[float, typer.Option("--rate", min=1, max=MOST_PER_S, help="Changes a second, at most.")] = RATE,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Have what failed or expired tried now; with --since, have rows sent as they stand: each with `was` null.

    May be interrupted: what is done stays done. With --since the same command again sends the same changes again,
    under the same ids.
    """
    require_terminal(yes or dry_run)
    at = parse_time("--since", since)
    with _database() as engine, _outbox(engine) as outbox:
        state = _known(engine, name)
        if at is None:
            number, unit, portions = _plan_retry(outbox, name)
        else:
            number, unit, portions = _plan_rows(engine, state, at)
        if dry_run:
            return
        if number:
            confirm(yes, f"Have {'it' if number == 1 else 'them'} sent to {name}?")
        if end_rest(engine, state.subscription) and not number and state.backlog.waiting:
            line(f"Its target is tried at once with what is due: {counted(state.backlog.waiting, 'change')}.")
        if not number:
            return
        done, interruption = carry_out(portions, unit, number, rate)
    line(f"To be sent: {counted(done, unit)}.")
    end_if_interrupted(interruption, "done", number)


def _plan_retry(outbox: Outbox, name: str) -> tuple[int, str, Iterator[int]]:
    again = outbox.transact(partial(notifications.count_retried, reaction=name), reads=True)
    number, expired = sum(again.values()), again.get(EXPIRED, 0)
    if not number:
        line(f"{name}: nothing has expired, and nothing waits for another attempt.")
    elif expired:
        line(f"{name}: {counted(number - expired, 'change')} waiting for another attempt, and {expired} expired.")
    else:
        line(f"{name}: {counted(number, 'change')} waiting for another attempt.")
    return number, "change", retry_waiting(outbox, name, number)


def _plan_rows(engine: Engine, state: ReactionState, at: datetime) -> tuple[int, str, Iterator[int]]:
    name, subscription = state.name, state.subscription
    if subscription.is_starting:  # nothing is handed to it yet, and what is noted now would be lost
        fail(ExitCode.WRONG, f"{name} is starting: try again {starting_for(state)}.")

    def plan(connection: Connection, now: datetime) -> tuple[Request, int]:
        request = Request(name, subscription.topics, at, now)
        return request, count_standing(connection, request)

    request, number = transact(engine, plan, reads=True)
    line(f"{name}: {counted(number, 'row')} changed since {at:%Y-%m-%d %H:%M} UTC, to be sent as they stand.")
    return number, "row", note_rows(engine, request)


@app.command("skip")
def skip(name: Name, *, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Drop all that waits for a subscriber; it gets what changes from now on."""
    require_terminal(yes or dry_run)
    with _database() as engine, _outbox(engine) as outbox:
        state = _known(engine, name)
        number = state.backlog.waiting
        line(f"{name}: {counted(number, 'change')} waiting." if number else f"{name}: nothing waits.")
        if dry_run or not number:
            return
        confirm(yes, f"Drop {'it' if number == 1 else 'them'}?")
        dropped = notifications.skip_all(outbox, name)
    line(f"Dropped: {counted(dropped, 'change')}.")


@app.command("pause")
def pause(
    name: Name, reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "by a person"
) -> None:
    """Send nothing to a subscriber until it is resumed; what changes waits for it, for three days."""
    with _database() as engine:
        _known(engine, name)
        why = visible_text(storable(reason)).strip()[:MOST_REASON] or "by a person"
        changed = transact(engine, partial(subscriptions.pause, name=name, reason=why))
    line(f"{name} is paused." if changed else f"{name} was paused already.")


@app.command("resume")
def resume(name: Name) -> None:
    """Send to a paused subscriber again, what waits first."""
    with _database() as engine:
        _known(engine, name)
        changed = transact(engine, partial(subscriptions.resume, name=name))
    line(f"{name} is resumed." if changed else f"{name} was not paused.")


@contextmanager
def _database() -> Iterator[Engine]:
    try:
        with open_database() as engine:
            yield engine
    except StoreAway as error:
        fail(ExitCode.UNKNOWN, f"The database did not answer: {error}")


@contextmanager
def _outbox(engine: Engine) -> Iterator[Outbox]:
    outbox = Outbox(engine)
    try:
        yield outbox
    finally:
        outbox.close()


def _known(engine: Engine, name: str) -> ReactionState:
    states = {state.name: state for state in read_reaction_states(engine)}
    if name not in states:
        names = ", ".join(states) or "none"
        fail(ExitCode.USAGE, f"No subscriber is named {name[:60]!r}. Known: {names}.")
    return states[name]


def _in_file(name: str) -> Reaction:
    settings = load(HomeSettings)
    if settings.seven_reactions_file is None:
        fail(ExitCode.USAGE, "SEVEN_REACTIONS_FILE is not set here: it names the file of reactions.")
    own = Addresses(settings.seven_public_url, reveal_all(settings.seven_hook_token))
    try:
        known = {each.name: each for each in read_reactions(settings.seven_reactions_file, own)}
    except InvalidReactions as error:
        fail(ExitCode.USAGE, *error.faults)
    if name not in known:
        fail(ExitCode.USAGE, f"The file has no reaction {name[:60]!r}; it has {', '.join(known) or 'none'}.")
    return known[name]
