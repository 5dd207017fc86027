"""The database as commands open it, with a plain message when that fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from cli.exits import ExitCode, fail
from cli.output.terminal import near, program
from cli.settings import ServerSettings
from runtime.settings.environment import load
from store.engine import create_store_engine, sqlite_file
from store.error_reasons import database_reason
from store.version import current, newest


def store_engine() -> Engine:
    """The database of the environment, not connected yet. Ends with exit code 2 for a wrong URL."""
    return create_store_engine(load(ServerSettings).store_url)


@contextmanager
def read_connection() -> Iterator[Connection]:
    """A connection that only reads. Ends with exit code 3 if there is no database, or it does not answer."""
    with open_database() as engine, engine.connect().execution_options(reads=True) as connection:
        yield connection


@contextmanager
def open_database() -> Iterator[Engine]:
    """A database with the current schema. Ends with exit code 3 if there is none, or it does not answer."""
    engine = store_engine()
    file = sqlite_file(engine.url)
    if file is not None and not file.exists():
        fail(
            ExitCode.UNKNOWN,
            f"There is no database at {near(file)} yet.",
            f"Start everything with `{program()} up`, or create one with `{program()} migrate`.",
        )
    try:
        version = current(engine)
        if version is None or version < newest():
            fail(
                ExitCode.UNKNOWN,
                f"The database has {'no schema' if version is None else 'an older schema'}.",
                f"Bring it up to date with `{program()} migrate`; `{program()} up` does so, too.",
            )
        yield engine
    except SQLAlchemyError as error:
        fail(ExitCode.UNKNOWN, f"The database did not answer: {database_reason(error)}")
    finally:
        engine.dispose()
