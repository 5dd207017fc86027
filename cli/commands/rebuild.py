"""rebuild: folds archived deliveries again, and replaces the rows of messages, calls, inbound SMS and links."""

from itertools import takewhile
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cli.confirm import confirm, require_terminal
from cli.database import open_database
from cli.exits import ExitCode, Interruption, end_if_interrupted, fail
from cli.forgotten import forgotten_register
from cli.options import AsJson, Yes
from cli.output.progress import UnderWay
from cli.output.rebuild import Report
from cli.output.terminal import shown
from cli.times import Since, Until, parse_time
from operations.rebuild import SUBJECTS_PER_CHUNK, chunks, preview, rebuild_all
from operations.refold import Overrides
from seven.events import EVENT_TYPES
from seven.field_types import storable
from store.archive import Scope
from store.error_reasons import database_reason
from store.row_writer import Store, StoreAway


def rebuild(
    *,
    event_type: Annotated[str | None, typer.Option("--type", help="Subjects of deliveries of this type.")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="One subject, as `trace` shows it, such as a msg_id.")
    ] = None,
    since: Since = None,
    until: Until = None,
    chunk: Annotated[
        int, typer.Option("--chunk", min=1, max=10_000, help="Subjects replaced in one transaction.")
    ] = SUBJECTS_PER_CHUNK,
    merge: Annotated[
        bool, typer.Option("--merge", help="If the archive of a subject is incomplete, join it into the rows.")
    ] = False,
    drop_parked: Annotated[
        bool, typer.Option("--drop-parked", help="Ignore deliveries that today's code parks; their rows go.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show each change with old and new values, and change nothing.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Fold all archived deliveries of the selected subjects with today's code, and replace their rows by the result.

    For a projection that was wrong and has been fixed: joins only rise, so a replay cannot lower a value that is too
    high. Safe beside running workers and to interrupt; a second run changes nothing. Exit code 1 when a subject was
    left as it is, because its archive is incomplete, or because today's code parks one of its deliveries.
    """
    scope = Scope(
        _check_event_type(event_type),
        subject and storable(subject.strip()),
        parse_time("--since", since),
        parse_time("--until", until),
    )
    if scope == Scope():
        fail(ExitCode.USAGE, "Select what to rebuild: --type, --subject, --since or --until.")
    require_terminal(yes or dry_run)
    report = Report(dry_run)
    with open_database() as engine:
        report.subjects, deliveries = _count(engine, scope)
        confirm(
            yes or dry_run,
            f"Replace the rows of {report.subjects} subjects by the fold of their {deliveries} deliveries?",
        )
        interruption = _carry_out(engine, scope, chunk, Overrides(merge, drop_parked), report)
    report.print(as_json, interruption)
    end_if_interrupted(interruption, "checked" if dry_run else "rebuilt", report.subjects)
    if subject is not None and not report.subjects:
        fail(ExitCode.WRONG, f"No applied delivery is about {shown(subject)}.")
    raise typer.Exit(ExitCode.WRONG if report.left else ExitCode.GOOD)


def _check_event_type(event_type: str | None) -> str | None:
    if event_type is not None and event_type not in EVENT_TYPES:
        fail(ExitCode.USAGE, f"--type: one of {', '.join(EVENT_TYPES)} is expected")
    return event_type


def _count(engine: Engine, scope: Scope) -> tuple[int, int]:
    """Subjects and deliveries in the scope."""
    subjects = deliveries = 0
    for chunk in chunks(engine, scope):
        subjects += len(chunk.subjects)
        deliveries += chunk.deliveries
    return subjects, deliveries


def _carry_out(engine: Engine, scope: Scope, size: int, overrides: Overrides, report: Report) -> Interruption | None:
    """Rebuild or preview chunk by chunk, and add each result to the report. Returns None once all are done."""
    register = forgotten_register()
    with UnderWay("subjects", report.subjects) as progress:
        pending = takewhile(lambda _: not progress.interrupted, chunks(engine, scope, size))
        results = (
            (result for chunk in pending for result in preview(engine, chunk, overrides, register))
            if report.dry_run
            else rebuild_all(Store(engine, register), pending, overrides, progress.pause)
        )
        try:
            for result in results:
                report.add(result)
                progress.advance(len(result.chunk.subjects))
        except (StoreAway, SQLAlchemyError) as error:
            why = database_reason(error) if isinstance(error, SQLAlchemyError) else str(error)
            return Interruption(ExitCode.UNKNOWN, f"the database did not answer: {why}", report.done)
    interrupted = progress.interrupted and report.done < report.subjects
    return Interruption(ExitCode.WRONG, "interrupted", report.done) if interrupted else None
