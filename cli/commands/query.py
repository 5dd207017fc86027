"""query: runs one SQL statement that reads, or a named query, and prints its rows."""

import signal
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Annotated, Any, NoReturn, Self

import typer
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cli.database import read_only_database
from cli.exits import ExitCode, fail
from cli.options import MOST_ROWS
from cli.output.query import print_queries, print_table, write_csv, write_json, write_queries
from cli.output.terminal import program, shown
from cli.query_failure import query_failure
from cli.settings import ServerSettings
from operations.queries import QUERIES, NamedQuery, run
from runtime.settings.environment import load
from store.engine import database_url
from store.read_only import Answer, UnfitStatement, check_statement, is_boundless, run_statement

TIMEOUT_S = 30
ROWS = 100


def query(
    *,
    statement: Annotated[
        str | None,
        typer.Argument(metavar="[SQL]", help="One statement that reads; - reads it from standard input."),
    ] = None,
    example: Annotated[
        str | None, typer.Option("--example", metavar="NAME", help="A named query instead; --list shows them.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PARAMETER=VALUE", help="A parameter of the named query; several are possible."),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the named queries and their parameters.")] = False,
    show_sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL of the named query, to start from, and do not run it.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="All rows as CSV, for spreadsheets.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All rows in JSON.")] = False,
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=MOST_ROWS, metavar="N", help="Rows to show on the screen at most.")
    ] = ROWS,
    timeout_s: Annotated[
        int, typer.Option("--timeout", min=1, max=3600, metavar="SECONDS", help="How long the database may take.")
    ] = TIMEOUT_S,
) -> None:
    """Ask the tables: one SQL statement, or a named query. Nothing can be changed by it.

    All times are UTC. On PostgreSQL it reads by the role of SEVEN_READER_URL where that is set; table names need no
    `seven.` before them. docs/reference.md and the database's own comments describe the tables.
    """
    if as_csv and as_json:
        fail(ExitCode.USAGE, "--csv or --json, not both.")
    if show_list or (statement is None and example is None):
        (write_queries if as_json else print_queries)(QUERIES.values())
        return
    if statement is not None and example is not None:
        fail(ExitCode.USAGE, "A statement of your own or an --example, not both.")
    if values and example is None:
        fail(ExitCode.USAGE, "--set is for the parameters of an --example.")
    named = _named(example) if example is not None else None
    bound = _bound(named, values or []) if named else {}
    if show_sql:
        _print_sql(named, bound)
        return
    title = named.title if named else ""
    show = write_csv if as_csv else write_json if as_json else partial(print_table, title=title, most=rows)
    if named:
        _answer(lambda connection: run(connection, named, bound), show, timeout_s)
    else:
        text = _statement(statement or "")
        _answer(lambda connection: _run_own(connection, text), show, timeout_s)


def _named(name: str) -> NamedQuery:
    if name not in QUERIES:
        fail(ExitCode.USAGE, f"There is no named query {shown(name)}. There are: {', '.join(QUERIES)}.")
    return QUERIES[name]


def _bound(named: NamedQuery, texts: Sequence[str]) -> dict[str, Any]:
    """The values of parameters. Ends with exit code 2 for one that makes no sense."""
    pairs = [text.partition("=") for text in texts]
    if any(not separator for _, separator, _ in pairs):
        fail(ExitCode.USAGE, "--set: parameter=value is expected.")
    try:
        texts_by_name = {name.strip(): value for name, _, value in pairs}
        return named.values(texts_by_name, country_code=load(ServerSettings).seven_country_code)
    except ValueError as error:
        fail(ExitCode.USAGE, f"--set {shown(error)}")


def _print_sql(named: NamedQuery | None, bound: Mapping[str, Any]) -> None:
    if named is None:
        fail(ExitCode.USAGE, "--sql is for an --example.")
    dialect = database_url(load(ServerSettings).reader_url).get_backend_name()
    sys.stdout.write(f"{named.sql_with(bound, dialect)}\n")


def _statement(argument: str) -> str:
    """The statement, from standard input if it is `-`. Ends with exit code 2 for one that does not read."""
    try:
        statement = sys.stdin.read() if argument == "-" else argument
        check_statement(statement)
    except UnfitStatement as error:
        fail(ExitCode.USAGE, str(error), f"Named queries: {program()} query --list")
    return statement


def _run_own(connection: Connection, statement: str) -> Answer:
    if is_boundless(connection):
        setting = "SEVEN_READER_URL" if load(ServerSettings).seven_reader_url else "DATABASE_URL"
        fail(
            ExitCode.USAGE,
            f"The role of {setting} is a superuser, or may become one: no transaction keeps it from reading files and "
            "running programs on the database's machine.",
            "Set SEVEN_READER_URL to a role that can only read; deploy/operate.md has its statements.",
            f"Named queries need none: {program()} query --list",
        )
    return run_statement(connection, statement)


class _Interruption:
    """Ctrl-C while the database works: psycopg cancels the statement at the server, SQLite ends it by itself.

    SQLite turns the exception within its callback into an error of its own, so it is remembered here.
    """

    def __init__(self) -> None:
        self.happened = False

    def __enter__(self) -> Self:
        self._before: Any = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.happened = True
        raise KeyboardInterrupt


def _answer(ask: Callable[[Connection], Answer], show: Callable[[Answer], None], timeout_s: int) -> None:
    """Ask the database and show the answer. Ends with exit code 2 or 3 if there is none, 1 if it is interrupted."""
    interruption = _Interruption()
    try:
        with interruption, read_only_database(timeout_s) as connection:
            show(ask(connection))
    except _database_errors() as error:
        if interruption.happened:
            _end_interrupted()
        failure = query_failure(error, timeout_s)
        fail(failure.code, *failure.lines)
    except KeyboardInterrupt:
        _end_interrupted()


def _database_errors() -> tuple[type[Exception], ...]:
    """What a statement may end with; psycopg, which takes long to import, has been imported if it raised."""
    psycopg = sys.modules.get("psycopg")
    of_psycopg: tuple[type[Exception], ...] = (psycopg.Error,) if psycopg else ()
    return (SQLAlchemyError, sqlite3.Error, sqlite3.Warning, UnicodeDecodeError, *of_psycopg)


def _end_interrupted() -> NoReturn:
    fail(ExitCode.WRONG, "Interrupted. The database has ended the query.")
