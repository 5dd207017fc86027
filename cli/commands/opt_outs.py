"""opt-outs: lists, checks, adds and ends opt-outs, and finds those in texts kept from before."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TextIO

import typer
from sqlalchemy import Connection

from cli.database import open_database, projection_options, read_connection
from cli.exits import ExitCode, fail
from cli.forgotten import erasure_key, forgotten_register
from cli.options import MOST_ROWS, AsJson
from cli.output.opt_outs import FileAnswers, print_checked, print_listed, write_checked
from cli.output.terminal import document, line, shown
from cli.settings import ServerSettings
from cli.standard_input import argument
from operations.opt_out_scan import scan_texts
from operations.opt_outs import OptOutScope, add_opt_out, end_opt_outs, list_opt_outs, opted_out, standings
from runtime.settings.environment import load
from seven.field_types import storable
from seven.opt_outs import CHANNELS, opt_out_number, opt_out_recipient
from seven.phone_numbers import EXPECTED
from store.forgotten import OptOutKeys
from store.row_writer import Refused, Result, Store, StoreAway

LISTED = 50
_LONGEST_NOTE = 200
UNCERTAIN = "Could not find out: numbers were forgotten by an erasure key that is not here. Set SEVEN_ERASURE_KEY."

Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="A phone number in any usual spelling; - reads it from standard input.")
]
Recipient = Annotated[
    str | None,
    typer.Option("--recipient", metavar="NUMBER", help="Our number or agent that they wrote to; by default any."),
]
Channel = Annotated[str | None, typer.Option("--channel", help="sms, rcs or whatsapp; by default every channel.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for the history.")]

app = typer.Typer(no_args_is_help=True, help="Who opted out of our messages: list, check, add, end, scan.")


@app.command("list")
def list_(
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Those that have ended instead.")] = False,
    recipient: Recipient = None,
    channel: Channel = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST_ROWS, metavar="N", help="Show the latest N.")
    ] = LISTED,
    as_json: AsJson = False,
) -> None:
    """Count who has opted out, and list the latest 50, or --limit. All times are UTC."""
    scope = _scope(recipient, channel)
    with read_connection() as connection:
        total, rows = list_opt_outs(connection, ended=ended, scope=scope, limit=limit)
    if as_json:
        document({"opt_outs": total, "listed": rows})
    else:
        print_listed(total, rows, ended=ended)


@app.command("check")
def check(
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="[NUMBER]...", help="Phone numbers in any usual spelling.")
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Numbers, one a line, instead; - is standard input.")
    ] = None,
    recipient: Recipient = None,
    channel: Channel = None,
    as_json: AsJson = False,
) -> None:
    """Say whether numbers have opted out, of any recipient unless --recipient says which.

    Exit code 0: none of them has. 1: at least one has. 2: one is no phone number. 3: could not find out. With --file
    the answer is the numbers that have opted out, one a line as they stand in the file: a million takes seconds.
    """
    if bool(numbers) == (file is not None):
        fail(ExitCode.USAGE, "Name numbers to check, or a --file of them.")
    scope = _scope(recipient, channel)
    if file is not None:
        raise typer.Exit(_check_file(file, scope, as_json=as_json))
    keys = [_number(number) for number in numbers or ()]
    with read_connection() as connection:
        known = OptOutKeys(connection, erasure_key())
        answers = list(opted_out(connection, keys, scope, known.of))
        under = [key for number in keys for key in known.of(number)]
        rows = [row for row in standings(connection, under) if scope.has(row["recipient"], row["channel"])]
    if not known.is_certain and not all(out for _, out in answers):
        fail(ExitCode.UNKNOWN, UNCERTAIN)
    if as_json:
        document({"numbers": [{"number": number, "opted_out": out} for number, out in answers], "opt_outs": rows})
    else:
        print_checked(answers, rows)
    raise typer.Exit(ExitCode.WRONG if any(out for _, out in answers) else ExitCode.GOOD)


@app.command("add")
def add(
    number: Number,
    *,
    recipient: Recipient = None,
    channel: Channel = None,
    note: Note = "by hand",
) -> None:
    """Opt a number out, of every recipient unless --recipient says which: who called, or wrote a letter."""
    key, scope = _number(number), _scope(recipient, channel)
    text, register = _note(note), forgotten_register()

    def work(connection: Connection) -> int:
        forgotten = register.read(connection)
        own = forgotten.opt_out_number(key) if forgotten else key
        return add_opt_out(connection, own, scope.recipient or "", channel, text)

    changed = _write(work)
    line("Opted out." if changed else "It had opted out already.")


@app.command("end")
def end(
    number: Number,
    *,
    recipient: Recipient = None,
    channel: Channel = None,
    note: Note = "by hand",
) -> None:
    """End every opt-out of a number, or those of --recipient alone: its owner asked for it. The history keeps both."""
    key, scope = _number(number), _scope(recipient, channel)
    text = _note(note)
    erasure = erasure_key()
    ended, standing = _write(
        lambda connection: end_opt_outs(connection, OptOutKeys(connection, erasure).of(key), scope, text)
    )
    if ended or not standing:
        line(f"Ended: {ended}" if ended else "It had not opted out.")
    if standing:
        line("An opt-out from every recipient still stands; without --recipient it ends.")
    raise typer.Exit(ExitCode.GOOD if ended and not standing else ExitCode.WRONG)


@app.command("scan")
def scan(as_json: AsJson = False) -> None:
    """Find opt-outs in the texts that are kept, as beat does once after an upgrade; again after a change of the words.

    May be interrupted and run again. Nothing newer, and no entry made by hand, is overridden. Texts that retention has
    blanked cannot be known.
    """
    options = projection_options()
    with open_database() as engine:
        try:
            result = scan_texts(Store(engine, forgotten_register()), options)
        except (StoreAway, Refused) as error:
            fail(ExitCode.UNKNOWN, f"The database accepts no writes: {error}")
    if as_json:
        document({"texts": result.texts, "opt_outs": result.words})
    else:
        line(f"Texts read: {result.texts}; stop and start words among them: {result.words}")


def _write(work: Callable[[Connection], Result]) -> Result:
    with open_database() as engine:
        try:
            return Store(engine).transact(work)
        except (StoreAway, Refused) as error:
            fail(ExitCode.UNKNOWN, f"The database accepts no writes: {error}")


def _check_file(file: Path, scope: OptOutScope, *, as_json: bool) -> ExitCode:
    if str(file) == "-":
        return _check_lines(sys.stdin, scope, as_json=as_json)
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return _check_lines(lines, scope, as_json=as_json)
    except OSError as error:
        fail(ExitCode.USAGE, f"--file: {shown(file)} cannot be read: {error.strerror}")


def _check_lines(lines: TextIO, scope: OptOutScope, *, as_json: bool) -> ExitCode:
    answers = FileAnswers(load(ServerSettings).seven_country_code)
    with read_connection() as connection:
        known = OptOutKeys(connection, erasure_key())
        if not known.is_certain:
            fail(ExitCode.UNKNOWN, UNCERTAIN)
        out = answers.opted_out(opted_out(connection, answers.numbers(lines), scope, known.of))
        number = write_checked(answers, out, as_json=as_json)
    if answers.invalid:
        return ExitCode.USAGE
    return ExitCode.WRONG if number else ExitCode.GOOD


def _number(text: str) -> str:
    number = opt_out_number(argument(text, "Number"), load(ServerSettings).seven_country_code, is_typed=True)
    if number is None:
        fail(ExitCode.USAGE, f"NUMBER: {EXPECTED}")
    return number


def _scope(recipient: str | None, channel: str | None) -> OptOutScope:
    if channel is not None and channel not in CHANNELS:
        fail(ExitCode.USAGE, f"--channel: {', '.join(CHANNELS)} are expected.")
    if recipient is None:
        return OptOutScope(None, channel)
    if not recipient.strip():  # a script's unset variable: a scope of nothing would hide who has opted out
        fail(ExitCode.USAGE, "--recipient: a number or agent is expected.")
    own = opt_out_recipient(storable(recipient), load(ServerSettings).seven_country_code, is_typed=True)
    return OptOutScope(own, channel)


def _note(note: str) -> str:
    if not note.strip() or len(note) > _LONGEST_NOTE:
        fail(ExitCode.USAGE, f"--note: a text of at most {_LONGEST_NOTE} characters is expected.")
    return storable(note.strip())
