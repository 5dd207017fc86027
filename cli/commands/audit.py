"""audit: proves that every accepted delivery is a row or on its way to one, or names those that are not."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from redis.exceptions import RedisError

from cli.database import open_database
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.options import AsJson
from cli.output.audit import print_audit
from cli.output.terminal import document, program
from ledger.client import Ledger
from operations.audit import Audit, Auditor
from runtime.redis_errors import redis_reason
from store.row_writer import StoreAway

# as text, as JSON, or as JSON in the JSON of a log collector
_LINE_OF_LOG = re.compile(r'\b(?:batch(?:es)?|life|guard)\\*"?\s*[=:]')
_IDS = re.compile(r'\bids(?:=(\S*)|\\*"\s*:\s*(\[[^\]]*))')
_ID = re.compile(r"(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])", re.IGNORECASE)


def audit(
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="A file with the ids of 2xx answers: a list, the answers, a receiver's log.",
        ),
    ] = None,
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="Acknowledge the losses found: later audits count them, and are good.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Account for every delivery that was ever accepted. Safe on a live system; only --acknowledge changes anything.

    Exit code 1 when something is lost, or may be.
    """
    lines = None if against is None else _open_lines(against)
    redis_url = Installation.from_environment().redis_url
    with open_database() as engine:
        ledger = Ledger(redis_url, timeout_s=10)
        auditor = Auditor(ledger, engine)
        try:
            result = auditor.audit(None if lines is None else _ids(lines))
            if acknowledge:
                auditor.acknowledge(result)
            after = auditor.audit() if acknowledge else result
        except RedisError as error:
            fail(
                ExitCode.UNKNOWN,
                f"REDIS_URL: Redis does not answer ({redis_reason(error)}).",
                f"Is it running? `{program()} up` starts one where REDIS_URL is not set.",
            )
        except StoreAway as error:
            fail(ExitCode.UNKNOWN, f"The database accepts no writes: {error}")
        except sqlite3.Error as error:
            fail(ExitCode.UNKNOWN, f"--against: its ids need space in the temporary directory (TMPDIR): {error}")
        finally:
            ledger.close()
    if as_json:
        document(_as_dict(result))
    else:
        print_audit(result)
    if acknowledge:
        _print_acknowledged(after)
    raise typer.Exit(ExitCode.WRONG if result.lost else ExitCode.GOOD)


def _print_acknowledged(after: Audit) -> None:
    sys.stderr.write(
        "Acknowledged. What the audit still reports has to be repaired first.\n"
        if after.lost
        else "Acknowledged: from now on the audit is good, until something new is lost.\n"
    )


def _open_lines(file: Path) -> TextIO:
    """Open a file of ids. Ends with exit code 2 if it cannot be read."""
    try:
        return file.open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        fail(ExitCode.USAGE, f"--against: cannot read that file: {error.strerror}")


def _ids(lines: TextIO) -> Iterator[str]:
    """The delivery ids in a file, as they are read. Ends with exit code 2 if there are none."""
    total = without_id = 0
    with lines:
        for line in filter(str.strip, lines):
            ids = _ids_of(line)
            total, without_id = total + 1, without_id + (not ids)
            yield from ids
    if without_id == total:
        fail(ExitCode.USAGE, "--against: the file contains no delivery id.")
    if without_id:
        sys.stderr.write(f"--against: {without_id} of {total} lines contain no delivery id.\n")


def _ids_of(line: str) -> list[str]:
    """The delivery ids in a line; a log line, whatever collected it, contributes its `ids` and not its batch's."""
    if _LINE_OF_LOG.search(line):
        line = " ".join(match[1] or match[2] or "" for match in _IDS.finditer(line))
    return [delivery_id.lower() for delivery_id in _ID.findall(line)]


def _as_dict(result: Audit) -> dict[str, Any]:
    """The audit as JSON, its totals first."""
    fields = asdict(result)
    if against := fields["against"]:
        fields["against"] = {"told": against.pop("ids"), **against}
    return {
        "lost": result.lost,
        "missing": sum(series.missing for series in (*result.series, *result.earlier)),
        "doubled": sum(series.doubled for series in (*result.series, *result.earlier)),
        **fields,
        "link_gaps": {kind: {"links": links, "untold": untold} for kind, (links, untold) in result.link_gaps.items()},
    }
