"""migrate: brings the database to the current schema."""

import sys
from typing import Annotated

import typer
from alembic.util.exc import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cli.database import store_engine
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.output.terminal import document, line
from cli.settings import ServerSettings
from runtime.settings.environment import load
from runtime.settings.types import reveal
from store.engine import sqlite_file
from store.error_reasons import database_reason
from store.migrate import migrate as migrate_schema
from store.reader_role import provide_reader


def migrate(
    reader: Annotated[
        bool,
        typer.Option(
            "--reader", help="Also make the role of SEVEN_READER_URL, which can only read, or what it lacks of that."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Bring the database to the current schema. Safe to run again, and several times at once."""
    engine = store_engine()
    if (file := sqlite_file(engine.url)) is not None and file.parent == Installation.from_environment().directory:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before, after = migrate_or_exit(engine)
    left = _provide_reader(engine) if reader else None
    if as_json:
        answer = {"before": before, "after": after, "changed": before != after}
        document(answer | ({"reader": left or "ready"} if reader else {}))
        return
    if left:
        sys.stderr.write(f"No role that only reads was made: {left}.\n")
    if before == after:
        line(f"The database is at version {after} already.")
    else:
        line(f"The database was {'empty' if before is None else f'at version {before}'} and is at version {after} now.")


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
