"""rebuild: the rows of messages, calls, inbound SMS and links, folded anew from their archived deliveries."""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cli.database import cause, opened
from cli.dead_selection import Since, Until, moment
from cli.dead_work import ask, askable
from cli.exits import ExitCode, fail
from cli.rebuild_report import Report
from cli.screen import shown
from seven.events import EVENT_TYPES
from seven.words import storable
from workers.rebuilding import SUBJECTS_PER_CHUNK, Done, chunks, look, rebuild_all
from workers.store.archive import Scope
from workers.store.writing import Store, StoreAway


def rebuild(
    *,
    event_type: Annotated[str | None, typer.Option("--type", help="Whatever deliveries of this type speak of.")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="One subject, as `trace` shows it, such as a msg_id.")
    ] = None,
    since: Since = "",
    until: Until = "",
    chunk: Annotated[
        int, typer.Option("--chunk", min=1, max=10_000, help="How many subjects are replaced in one transaction.")
    ] = SUBJECTS_PER_CHUNK,
    merge: Annotated[
        bool, typer.Option("--merge", help="Join into its rows what is archived of a subject whose archive is cut.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Fold all archived deliveries of some subjects through today's code, and replace their rows by that.

    For a projection that was wrong and has been mended: joins only rise, so replaying cannot repair what was told too
    high. Works beside running workers, may be interrupted, and again changes nothing. Exit code 1 when a subject was
    left as it is, because its archive is cut, or a delivery is not understood any more.
    """
    scope = Scope(
        _known(event_type), subject and storable(subject.strip()), moment("--since", since), moment("--until", until)
    )
    if scope == Scope():
        fail(ExitCode.USAGE, "Say what to rebuild: --type, --subject, --since or --until.")
    askable(yes or dry_run)
    report = Report(dry_run)
    with opened() as engine:
        try:
            report.subjects, deliveries = _counted(engine, scope)
            ask(
                yes or dry_run,
                f"Replace the rows of {report.subjects} subjects by the fold of the {deliveries} deliveries that speak"
                " of them?",
            )
            _follow(report, _work(engine, scope, chunk, merge, dry_run), as_json)
        except (StoreAway, SQLAlchemyError) as error:
            said = cause(error) if isinstance(error, SQLAlchemyError) else str(error)
            report.tell(as_json)
            fail(ExitCode.UNKNOWN, f"The database did not answer: {said}", report.how_far())
        except KeyboardInterrupt:
            report.tell(as_json)
            fail(ExitCode.WRONG, f"Interrupted. {report.how_far()}")
    report.tell(as_json)
    if subject is not None and not report.subjects:
        fail(ExitCode.WRONG, f"No applied delivery speaks of {shown(subject)}.")
    raise typer.Exit(ExitCode.WRONG if report.lacks else ExitCode.GOOD)


def _known(event_type: str | None) -> str | None:
    if event_type is not None and event_type not in EVENT_TYPES:
        fail(ExitCode.USAGE, f"--type: one of {', '.join(EVENT_TYPES)} is expected")
    return event_type


def _counted(engine: Engine, scope: Scope) -> tuple[int, int]:
    subjects = deliveries = 0
    for found in chunks(engine, scope):
        subjects += len(found.subjects)
        deliveries += found.deliveries
    return subjects, deliveries


def _work(engine: Engine, scope: Scope, size: int, merge: bool, dry_run: bool) -> Iterator[Done]:
    found = chunks(engine, scope, size)
    if dry_run:
        return (look(engine, one, merge) for one in found)
    return rebuild_all(Store(engine), found, merge)


def _follow(report: Report, work: Iterator[Done], as_json: bool) -> None:
    """Take down what is done, with a bar on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    silent = as_json or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=silent) as progress:
        bar = progress.add_task("subjects", total=report.subjects)
        for done in work:
            report.add(done)
            progress.advance(bar, len(done.chunk.subjects))
