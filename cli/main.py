"""The command `seven-ingest`, put together."""

from pathlib import Path

import typer
from dotenv import load_dotenv

from cli.commands import dead, hooks
from cli.commands.audit import audit
from cli.commands.doctor import doctor
from cli.commands.forget import forget
from cli.commands.migrate import migrate
from cli.commands.rebuild import rebuild
from cli.commands.send import send
from cli.commands.status import status
from cli.commands.trace import trace
from cli.commands.up import up
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
