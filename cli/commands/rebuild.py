"""rebuild: the rows of messages, calls, inbound SMS and links, folded anew from their archived deliveries."""

from itertools import takewhile
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cli.confirm import ask, askable
from cli.database import cause, opened
from cli.exits import ExitCode, Interruption, end, fail
from cli.output.progress import UnderWay
from cli.output.rebuild import Report
from cli.output.terminal import shown
from cli.times import Since, Until, parse_time
from operations.rebuild import SUBJECTS_PER_CHUNK, chunks, look, rebuild_all
from operations.refold import Allowed
from seven.events import EVENT_TYPES
from seven.field_types import storable
from store.archive import Scope
from store.row_writer import Store, StoreAway


def rebuild(
    *,
    event_type: Annotated[str | None, typer.Option("--type", help="Whatever deliveries of this type speak of.")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="One subject, as `trace` shows it, such as a msg_id.")
    ] = None,
    since: Since = None,
    until: Until = None,
    chunk: Annotated[
        int, typer.Option("--chunk", min=1, max=10_000, help="How many subjects are replaced in one transaction.")
    ] = SUBJECTS_PER_CHUNK,
    merge: Annotated[
        bool, typer.Option("--merge", help="Join into its rows what is archived of a subject whose archive is cut.")
    ] = False,
    drop_parked: Annotated[
        bool, typer.Option("--drop-parked", help="What today's code does not understand counts no more: its rows go.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, from what to what, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Fold all archived deliveries of some subjects through today's code, and replace their rows by that.

    For a projection that was wrong and has been mended: joins only rise, so replaying cannot repair what was told too
    high. Works beside running workers, may be interrupted, and again changes nothing. Exit code 1 when a subject was
    left as it is, because its archive is cut, or a delivery of it is not understood today.
    """
    scope = Scope(
        _known(event_type),
        subject and storable(subject.strip()),
        parse_time("--since", since),
        parse_time("--until", until),
    )
    if scope == Scope():
        fail(ExitCode.USAGE, "Say what to rebuild: --type, --subject, --since or --until.")
    askable(yes or dry_run)
    report = Report(dry_run)
    with opened() as engine:
        report.subjects, deliveries = _counted(engine, scope)
        ask(
            yes or dry_run,
            f"Replace the rows of {report.subjects} subjects by the fold of the {deliveries} deliveries that speak of"
            " them?",
        )
        stopped = _carry_out(engine, scope, chunk, Allowed(merge, drop_parked), report)
    report.tell(as_json, stopped)
    end(stopped, "looked at" if dry_run else "rebuilt", report.subjects)
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


def _carry_out(engine: Engine, scope: Scope, size: int, allowed: Allowed, report: Report) -> Interruption | None:
    """Chunk by chunk, taking down what is done; returns why not all of them."""
    with UnderWay("subjects", report.subjects) as under_way:
        found = takewhile(lambda _: not under_way.interrupted, chunks(engine, scope, size))
        work = (
            (look(engine, one, allowed) for one in found)
            if report.dry_run
            else rebuild_all(Store(engine), found, allowed, under_way.pause)
        )
        try:
            for done in work:
                report.add(done)
                under_way.advance(len(done.chunk.subjects))
        except (StoreAway, SQLAlchemyError) as error:
            said = cause(error) if isinstance(error, SQLAlchemyError) else str(error)
            return Interruption(ExitCode.UNKNOWN, f"the database did not answer: {said}", report.done)
    interrupted = under_way.interrupted and report.done < report.subjects
    return Interruption(ExitCode.WRONG, "interrupted", report.done) if interrupted else None
