"""audit: proves that every accepted delivery is a row, or on its way to be one; or says which are not."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from redis.exceptions import RedisError

from cli.database import opened
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.output.audit import report
from cli.output.terminal import document, program
from ledger.client import Ledger
from operations.audit import Audit, Auditor
from runtime.redis_url import reason
from store.row_writer import StoreAway

# text, JSON, JSON in JSON, whoever wrote it anew
_LINE_OF_LOG = re.compile(r'\b(?:batch(?:es)?|life|guard)\\*"?\s*[=:]')
_IDS = re.compile(r'\bids(?:=(\S*)|\\*"\s*:\s*(\[[^\]]*))')
_ID = re.compile(r"(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])", re.IGNORECASE)


def audit(
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="Anything that tells ids of 2xx answers: a list, answers, a receiver's log.",
        ),
    ] = None,
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="Take note of what is found: later audits count it, and are good.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Account for every delivery that was ever accepted. Safe on a live system; changes nothing of its own accord.

    Exit code 1 when something is lost, or may be.
    """
    lines = None if against is None else _opened(against)
    with opened() as engine:
        ledger = Ledger(Installation.from_environment().redis_url, timeout_s=10)
        auditor = Auditor(ledger, engine)
        try:
            found = auditor.audit(None if lines is None else _ids(lines))
            if acknowledge:
                auditor.acknowledge(found)
            after = auditor.audit() if acknowledge else found
        except RedisError as error:
            fail(
                ExitCode.UNKNOWN,
                f"REDIS_URL: Redis does not answer ({reason(error)}).",
                f"Is it running? `{program()} up` starts one where REDIS_URL is not set.",
            )
        except StoreAway as error:
            fail(ExitCode.UNKNOWN, f"The database does not take anything: {error}")
        except sqlite3.Error as error:
            fail(ExitCode.UNKNOWN, f"--against: its ids need room in the temporary directory, TMPDIR: {error}")
        finally:
            ledger.close()
    if as_json:
        document(_told(found))
    else:
        report(found)
    if acknowledge:
        _say_acknowledged(after)
    raise typer.Exit(ExitCode.WRONG if found.lost else ExitCode.GOOD)


def _say_acknowledged(after: Audit) -> None:
    sys.stderr.write(
        "That has been taken note of. What the audit finds all the same has to be mended first.\n"
        if after.lost
        else "That has been taken note of: from now on the audit is good, until there is something new.\n"
    )


def _opened(file: Path) -> TextIO:
    """A file of ids. Ends with exit code 2 where it cannot be read."""
    try:
        return file.open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        fail(ExitCode.USAGE, f"--against: cannot read that file: {error.strerror}")


def _ids(lines: TextIO) -> Iterator[str]:
    """The delivery ids that a file tells, as they are read. Ends with exit code 2 where there are none."""
    number = lacking = 0
    with lines:
        for line in filter(str.strip, lines):
            ids = _ids_of(line)
            number, lacking = number + 1, lacking + (not ids)
            yield from ids
    if lacking == number:
        fail(ExitCode.USAGE, "--against: no id of a delivery is in that file.")
    if lacking:
        sys.stderr.write(f"--against: {lacking} of {number} lines tell no id of a delivery.\n")


def _ids_of(told: str) -> list[str]:
    """Every id in a line; of a log's line, whoever collected it, those of its deliveries and not its batch's."""
    if _LINE_OF_LOG.search(told):
        told = " ".join(found[1] or found[2] or "" for found in _IDS.finditer(told))
    return [one.lower() for one in _ID.findall(told)]


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
