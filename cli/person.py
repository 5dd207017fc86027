"""The person that a command is about, as it is named on the command line."""

from typing import Annotated

import typer

from cli.exits import ExitCode, fail
from cli.standard_input import argument
from seven.data_subject import DataSubject, Number, foreign_id, message_id
from seven.field_types import storable

NumberArgument = Annotated[
    str | None,
    typer.Argument(metavar="[NUMBER]", help="A phone number in any usual spelling; - reads it from standard input."),
]
MsgIdOption = Annotated[str | None, typer.Option("--msg-id", metavar="ID", help="A message, by the gateway's id.")]
ForeignIdOption = Annotated[
    str | None, typer.Option("--foreign-id", metavar="ID", help="Messages and calls, by the id you sent them with.")
]


def named_person(
    verb: str,
    number: str | None,
    msg_id: str | None,
    foreign: str | None,
    country_code: int,
    *,
    own_number: bool = False,
) -> DataSubject:
    """The person. Ends with exit code 2 unless exactly one is named. Messages never repeat a number."""
    names = [name for name in (number, msg_id, foreign) if name is not None]
    if len(names) != 1 or not names[0].strip():
        fail(ExitCode.USAGE, f"Name one person to {verb}: by a NUMBER, --msg-id or --foreign-id.")
    if own_number and number is None:
        fail(ExitCode.USAGE, "--own-number is about a NUMBER.")
    if msg_id is not None:
        return message_id(storable(msg_id.strip()))
    if foreign is not None:
        return foreign_id(storable(foreign.strip()))
    try:
        return Number.parse(argument(names[0], "Number"), own_number, country_code)
    except ValueError as error:
        fail(ExitCode.USAGE, f"NUMBER: {error}")
