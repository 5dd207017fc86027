"""The command `seven-ingest`, put together."""

from pathlib import Path

import typer
from dotenv import load_dotenv

from cli import dead, hooks
from cli.audit import audit
from cli.doctor.command import doctor
from cli.forget import forget
from cli.migrate import migrate
from cli.rebuild import rebuild
from cli.send import send
from cli.status import status
from cli.trace import trace
from cli.up import up
from runtime.logs import configure_logging
from runtime.settings import LogSettings, load

app = typer.Typer(
    name="seven-ingest",
    help="Receives every webhook of the seven.io gateway, loses none, and keeps them in SQL tables people query.",
    epilog="Exit codes: 0 good, 1 found something wrong, 2 usage or configuration, 3 could not find out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def read_dotenv() -> None:
    """Read `.env` in the working directory; what the environment tells already stands over it."""
    load_dotenv(Path(".env"), override=False)
    configure_logging("WARNING", load(LogSettings).seven_log_format)  # what commands have to say they say otherwise


for command in (up, send, status, doctor, trace, audit, rebuild, forget, migrate):
    app.command(command.__name__)(command)
app.add_typer(hooks.app, name="hooks")
app.add_typer(dead.app, name="dead")
