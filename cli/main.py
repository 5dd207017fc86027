"""The command `seven-ingest`: assembles all its commands."""

from pathlib import Path
from typing import Annotated, ClassVar

import typer

from cli.lazy_group import LazyGroup


class Commands(LazyGroup):
    """Every command, in the order in which help shows them."""

    lazy: ClassVar = {
        **{name: name for name in ("up", "send", "status", "doctor", "trace", "audit", "rebuild", "forget", "migrate")},
        **dict.fromkeys(("hooks", "dead"), "app"),
    }


app = typer.Typer(
    cls=Commands,
    name="seven-ingest",
    help="Receives every webhook of the seven.io gateway, loses none, and keeps them in SQL tables people query.",
    epilog="Exit codes: 0 good, 1 found something wrong, 2 usage or configuration, 3 could not find out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - as for commands, nothing before it is needed

        typer.echo(f"seven-ingest {version('seven-ingest')}")
        raise typer.Exit


@app.callback()
def read_dotenv(
    *,
    _: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Read `.env` in the working directory; the environment takes precedence."""
    from dotenv import load_dotenv  # noqa: PLC0415 - not for --help

    from runtime.logs import configure_logging  # noqa: PLC0415 - nor this
    from runtime.settings.environment import load  # noqa: PLC0415 - nor this
    from runtime.settings.shared import LogSettings  # noqa: PLC0415 - nor this

    load_dotenv(Path(".env"), override=False)
    configure_logging("WARNING", load(LogSettings).seven_log_format)  # commands print what they report
