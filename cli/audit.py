"""audit: proves that every accepted delivery is a row, or on its way to be one; or says which are not."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cli.audit_report import report
from cli.database import cause, opened
from cli.exits import ExitCode, fail
from cli.home import Home
from cli.screen import document, line
from ledger.settling import Ledger
from workers.auditing import Audit, Auditor
from workers.store.tallying import tally


def audit(
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="Ids of 2xx answers: one to a line, the answers themselves as JSON, or a receiver's log.",
        ),
    ] = None,
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="Take note of what is missing: later audits count it, and are good.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Account for every delivery that was ever accepted. Safe on a live system; changes nothing of its own accord.

    Exit code 1 when something is lost, or may be.
    """
    ids = None if against is None else list(_ids(against))
    with opened() as engine:
        ledger = Ledger(Home.from_environment().redis_url, timeout_s=30)
        try:
            found = Auditor(ledger, engine).audit(ids)
            if acknowledge:
                _acknowledge(engine, found)
        except RedisError as error:
            fail(ExitCode.UNKNOWN, f"REDIS_URL: it does not answer ({type(error).__name__})")
        except SQLAlchemyError as error:
            fail(ExitCode.UNKNOWN, f"The database did not answer: {cause(error)}")
        finally:
            ledger.close()
    if as_json:
        document(_told(found))
    else:
        report(found)
    if acknowledge:
        line("What was missing has been taken note of. The next audit counts it as lost, and is good.", "yellow")
    raise typer.Exit(ExitCode.WRONG if found.lost else ExitCode.GOOD)


def _ids(file: Path) -> Iterator[str]:
    """The delivery ids that a file tells, line by line. Ends with exit code 2 for one that cannot be read."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for told in lines:
                yield from _ids_of(told.strip())
    except OSError as error:
        fail(ExitCode.USAGE, f"--against: cannot read that file: {error.strerror}")


def _ids_of(told: str) -> list[str]:
    if " ids=" in told:  # a receiver's log
        return told.rpartition(" ids=")[2].split(",") if " accepted batch=" in told else []
    if told.startswith("{"):
        try:
            answer = json.loads(told)
        except ValueError:
            return []
        return [answer["id"]] if isinstance(answer.get("id"), str) else []
    return [told] if told and " " not in told else []


def _acknowledge(engine: Engine, found: Audit) -> None:
    with engine.begin() as connection:
        for one in (*found.series, *found.earlier):
            tally(connection, (one.life, one.queue), one.missing_runs, "lost", None)


def _told(found: Audit) -> dict[str, Any]:
    """The audit as JSON: everything, with the sums that a script asks for first."""
    told = asdict(found)
    return {
        "lost": found.lost,
        "missing": sum(one.missing for one in (*found.series, *found.earlier)),
        "doubled": sum(one.doubled for one in (*found.series, *found.earlier)),
        **told,
        "link_gaps": {kind: {"links": links, "untold": untold} for kind, (links, untold) in found.link_gaps.items()},
    }
