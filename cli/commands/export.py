"""export: everything kept about one person, as JSON, for who asks for it by law."""

import errno
import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from cli.database import open_database
from cli.exits import ExitCode, fail
from cli.forgotten import erasure_key
from cli.installation import Installation
from cli.output.export import print_summary, private_file, write_export
from cli.output.progress import Interrupted, UnderWay
from cli.output.terminal import shown
from cli.person import ForeignIdOption, MsgIdOption, NumberArgument, named_person
from ledger.client import Ledger
from operations.person_export import PersonExport
from runtime.redis_errors import redis_reason
from seven.data_subject import DataSubject
from store.error_reasons import database_reason

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def export(
    number: NumberArgument = None,
    msg_id: MsgIdOption = None,
    foreign: ForeignIdOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="A new file, readable by its owner alone, instead of the screen."
        ),
    ] = None,
) -> None:
    """Write everything that is kept about a person as JSON: for who asks for it by law.

    It looks where `forget` does: inbound SMS, calls, messages, links, deliveries with their payloads, dead letters,
    and whatever names the person in another's. `matched_by` says which: look at an entry that was matched by its
    content before you hand it over, since it may be about somebody else.

    A status report contains no number: messages that you sent are found by what sent_messages has of them, and without
    it by --msg-id or --foreign-id. Reads every row, so
    it takes long on large tables. Exit code 1 when deliveries about the person still wait for a worker.
    """
    home = Installation.from_environment()
    person = named_person("export", number, msg_id, foreign, home.settings.seven_country_code)
    with open_database() as engine:
        ledger = Ledger(home.redis_url, timeout_s=10)
        try:
            waiting = _export(PersonExport(engine, ledger, person, erasure_key(home)), person, output)
        except RedisError as error:
            fail(
                ExitCode.UNKNOWN,
                f"REDIS_URL: Redis does not answer ({redis_reason(error)}).",
                "Deliveries pending in the ledger have to be searched, too.",
            )
        except SQLAlchemyError as error:
            fail(ExitCode.UNKNOWN, f"The database did not answer: {database_reason(error)}")
        except Interrupted:
            fail(ExitCode.WRONG, "Interrupted. What was written is not complete.")
        finally:
            ledger.close()
    raise typer.Exit(ExitCode.WRONG if waiting else ExitCode.GOOD)


def _export(export: PersonExport, person: DataSubject, output: Path | None) -> int:
    """Write the export. Returns the number of deliveries that wait, and are not included."""
    if output is None:
        return _write(export, person, sys.stdout)
    try:
        with private_file(output) as file:
            return _write(export, person, file)
    except FileExistsError:
        fail(ExitCode.USAGE, f"--output: {shown(output)} exists already; a new file is expected.")
    except OSError as error:
        code = ExitCode.UNKNOWN if error.errno in _NO_ROOM else ExitCode.USAGE
        fail(code, f"--output: {shown(output)} cannot be written: {error.strerror}")


def _write(export: PersonExport, person: DataSubject, out: TextIO) -> int:
    with UnderWay("rows searched", export.size()) as progress:
        number = write_export(out, person, export.entries(progress.advance_or_end), lambda: export.waiting)
    print_summary(number, export.waiting)
    return export.waiting
