"""The command `seven-ingest`: assembles all its commands, and gives each its streams and its exit code."""

import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn

import typer

from cli.exits import ExitCode, fail
from cli.lazy_group import LazyGroup
from cli.standard_streams import Output


class Commands(LazyGroup):
    """Every command, in the order in which help shows them."""

    lazy: ClassVar = {
        **{
            name: name
            for name in (
                "up",
                "send",
                "simulate",
                "status",
                "doctor",
                "trace",
                "query",
                "audit",
                "backfill",
                "rebuild",
                "export",
                "forget",
                "migrate",
            )
        },
        **dict.fromkeys(("hooks", "dead", "opt-outs", "reactions"), "app"),
    }

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run a command on streams that cannot fail. Raises SystemExit with its exit code."""
        output = Output()
        try:
            super().main(*arguments, **options)
        except SystemExit as end:
            lost = output.end()
            if lost:
                sys.stderr.write(f"The output is incomplete: {lost}.\n")
            if lost and end.code in (None, ExitCode.GOOD, ExitCode.WRONG):  # a finding that was not written
                raise SystemExit(ExitCode.UNKNOWN) from None
            raise
        except Exception as error:  # noqa: BLE001 - outside of any command
            _end_after_crash(error)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an exception that it does not expect never shares an exit code with what it finds."""
        try:
            return super().invoke(ctx)
        except (typer.TyperException, typer.Exit, typer.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault of the program
            _end_after_crash(error)


def _end_after_crash(error: Exception) -> NoReturn:
    try:
        from cli.crash import log_crash  # noqa: PLC0415 - not for --help

        log_crash(error)
    except Exception:  # noqa: BLE001 - even a module of ours may be missing
        sys.stderr.write(f"uncaught {type(error).__name__}\n")
    sys.stderr.write("This is a fault of the program; please report the line above: it quotes no data.\n")
    raise SystemExit(ExitCode.FAULT)


app = typer.Typer(
    cls=Commands,
    name="seven-ingest",
    help="Receives every webhook of the seven.io gateway, loses none, and keeps them in SQL tables people query.",
    epilog="Exit codes: 0 good, 1 found something wrong, 2 usage or configuration, 3 could not find out, "
    "70 a fault of the program.",
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

    try:
        load_dotenv(Path(".env"), override=False)
    except UnicodeDecodeError:
        fail(ExitCode.USAGE, "configuration: .env: cannot be read: it is not UTF-8")
    except OSError as error:
        fail(ExitCode.USAGE, f"configuration: .env: cannot be read: {error.strerror}")
    configure_logging("WARNING", load(LogSettings).seven_log_format)  # commands print what they report
