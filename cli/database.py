"""Database: the store as commands open it, with a plain word where it cannot be opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cli.exits import ExitCode, fail
from cli.output.terminal import near, program
from runtime.settings import load
from store.engine import create_store_engine
from store.migrate import current, newest
from workers.settings import WorkerSettings


def store_engine() -> Engine:
    """The database that the environment describes; it is not touched yet. Ends with exit code 2 for a wrong URL."""
    return create_store_engine(load(WorkerSettings).store_url)


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection that only reads. Ends with exit code 3 where there is no database, or it does not answer."""
    with opened() as engine, engine.connect().execution_options(reads=True) as connection:
        yield connection


@contextmanager
def opened() -> Iterator[Engine]:
    """A database with today's tables. Ends with exit code 3 where there is none, or it does not answer."""
    engine = store_engine()
    file = sqlite_file(engine)
    if file is not None and not file.exists():
        fail(
            ExitCode.UNKNOWN,
            f"There is no database at {near(file)} yet.",
            f"Start everything with `{program()} up`, or make one with `{program()} migrate`.",
        )
    try:
        version = current(engine)
        if version is None or version < newest():
            fail(
                ExitCode.UNKNOWN,
                f"The database has {'no tables of ours' if version is None else 'older tables than today'} yet.",
                f"Make them with `{program()} migrate`; `{program()} up` does so, too.",
            )
        yield engine
    except SQLAlchemyError as error:
        fail(ExitCode.UNKNOWN, f"The database did not answer: {cause(error)}")
    finally:
        engine.dispose()


def sqlite_file(engine: Engine) -> Path | None:
    """The database's file; None for a server."""
    if engine.dialect.name != "sqlite" or engine.url.database in (None, "", ":memory:"):
        return None
    return Path(str(engine.url.database)).absolute()


def cause(error: SQLAlchemyError) -> str:
    """What a database said first, without the statement it was said about."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
    return said[0] if said else type(error).__name__
