"""The database as commands open it, with a plain message when that fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from cli.exits import ExitCode, fail
from cli.output.terminal import near, program
from cli.settings import ServerSettings
from operations.projection_options import options_by
from runtime.settings.environment import load
from store.engine import create_store_engine, database_url, missing_file
from store.error_reasons import database_reason
from store.projection_options import ProjectionOptions
from store.read_only import read_only
from store.version import current, newest, read_version


def store_engine() -> Engine:
    """The database of the environment, not connected yet. Ends with exit code 2 for a wrong URL."""
    return create_store_engine(load(ServerSettings).store_url)


def projection_options() -> ProjectionOptions:
    """What the settings decide about deliveries that a command applies, as a worker would."""
    return options_by(load(ServerSettings))


@contextmanager
def read_connection() -> Iterator[Connection]:
    """A connection that only reads. Ends with exit code 3 if there is no database, or it does not answer."""
    with open_database() as engine, engine.connect().execution_options(reads=True) as connection:
        yield connection


@contextmanager
def read_only_database(timeout_s: int) -> Iterator[Connection]:
    """A transaction that changes nothing and in which no statement takes longer, by the role that only reads.

    Ends with exit code 3 if there is no database; raises SQLAlchemyError if it does not answer.
    """
    url = load(ServerSettings).reader_url
    _require_file(database_url(url))
    with read_only(url, timeout_s) as connection:
        if read_version(connection) is None:
            _end_without_schema("no schema")
        yield connection


@contextmanager
def open_database() -> Iterator[Engine]:
    """A database with the current schema. Ends with exit code 3 if there is none, or it does not answer."""
    engine = store_engine()
    _require_file(engine.url)
    try:
        version = current(engine)
        if version is None or version < newest():
            _end_without_schema("no schema" if version is None else "an older schema")
        yield engine
    except SQLAlchemyError as error:
        fail(ExitCode.UNKNOWN, f"The database did not answer: {database_reason(error)}")
    finally:
        engine.dispose()


def _require_file(url: URL) -> None:
    try:
        file = missing_file(url)
    except OSError as error:
        fail(ExitCode.UNKNOWN, f"The database did not answer: {database_reason(error)}")
    if file:
        fail(
            ExitCode.UNKNOWN,
            f"There is no database at {near(file)} yet.",
            f"Start everything with `{program()} up`, or create one with `{program()} migrate`.",
        )


def _end_without_schema(what: str) -> NoReturn:
    fail(
        ExitCode.UNKNOWN,
        f"The database has {what}.",
        f"Bring it up to date with `{program()} migrate`; `{program()} up` does so, too.",
    )
