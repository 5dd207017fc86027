"""migrate: brings the database to the current schema."""

import sys
import time
from typing import Annotated

import typer
from alembic.util.exc import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cli.database import store_engine
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.options import AsJson
from cli.output.terminal import document, line
from cli.settings import ServerSettings
from runtime.settings.environment import load
from runtime.settings.types import reveal
from store.engine import missing_file, sqlite_file
from store.error_reasons import database_reason
from store.migrate import migrate as migrate_schema
from store.reader_role import provide_reader
from store.version import current, newest

_PAUSE_S = 1.0
"""Between two looks of `--wait`."""


def migrate(
    reader: Annotated[
        bool,
        typer.Option(
            "--reader", help="Also make the role of SEVEN_READER_URL, which can only read, or what it lacks of that."
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Only wait until it has the current schema, or a newer one: another run migrates."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database to the current schema. Safe to run again, and several times at once."""
    if wait and reader:
        raise typer.BadParameter("--wait changes nothing: it does not go with --reader")
    engine = store_engine()
    if wait:
        version = _wait_for_schema(engine)
        _answer(version, version, None, as_json=as_json)
        return
    if (file := sqlite_file(engine.url)) is not None and file.parent == Installation.from_environment().directory:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before, after = migrate_or_exit(engine)
    left = _provide_reader(engine) if reader else None
    if left and not as_json:
        sys.stderr.write(f"No role that only reads was made: {left}.\n")
    _answer(before, after, (left or "ready") if reader else None, as_json=as_json)


def _answer(before: str | None, after: str, reader: str | None, *, as_json: bool) -> None:
    if as_json:
        answer = {"before": before, "after": after, "changed": before != after}
        document(answer | ({"reader": reader} if reader else {}))
    elif before == after:
        line(f"The database is at version {after} already.")
    else:
        line(f"The database was {'empty' if before is None else f'at version {before}'} and is at version {after} now.")


def _wait_for_schema(engine: Engine) -> str:
    """Wait until the database has the current schema, or a newer one. Returns its version."""
    written = ""
    while True:
        try:
            version = None if missing_file(engine.url) else current(engine)
        except (SQLAlchemyError, OSError) as error:
            reason = f"the database does not answer: {database_reason(error)}"
        else:
            if version is not None and version >= newest():
                engine.dispose()
                return version
            reason = f"the database is {f'at version {version}' if version else 'empty'}, not at {newest()}"
        if reason != written:
            sys.stderr.write(f"Waiting: {reason}.\n")
            sys.stderr.flush()
        written = reason
        time.sleep(_PAUSE_S)


def _provide_reader(engine: Engine) -> str | None:
    """Provide the reader role. Returns why it was left alone: no reason to keep workers from starting.

    Ends with exit code 3 if the database does not answer.
    """
    url = reveal(load(ServerSettings).seven_reader_url)
    if url is None:
        return "SEVEN_READER_URL is not set"
    try:
        return provide_reader(engine, url)
    except SQLAlchemyError as error:
        fail(ExitCode.UNKNOWN, f"The database did not answer, or refused: {database_reason(error)}")
    finally:
        engine.dispose()


def migrate_or_exit(engine: Engine) -> tuple[str | None, str]:
    """Migrate the database. Returns its version before and after.

    Ends with exit code 1 if it cannot be migrated, with 3 if it does not answer or refuses.
    """
    try:
        return migrate_schema(engine)
    except CommandError as error:
        fail(ExitCode.WRONG, f"The database cannot be migrated: {error}")
    except SQLAlchemyError as error:
        fail(ExitCode.UNKNOWN, f"The database did not answer, or refused: {database_reason(error)}")
    finally:
        engine.dispose()
