"""migrate: brings the database to the current schema."""

from typing import Annotated

import typer
from alembic.util.exc import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cli.database import store_engine
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.output.terminal import document, line
from store.engine import sqlite_file
from store.error_reasons import database_reason
from store.migrate import migrate as migrate_schema


def migrate(
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Bring the database to the current schema. Safe to run again, and several times at once."""
    engine = store_engine()
    if (file := sqlite_file(engine.url)) is not None and file.parent == Installation.from_environment().directory:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before, after = migrate_or_exit(engine)
    if as_json:
        document({"before": before, "after": after, "changed": before != after})
    elif before == after:
        line(f"The database is at version {after} already.")
    else:
        line(f"The database was {'empty' if before is None else f'at version {before}'} and is at version {after} now.")


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
