"""Every command of `seven-ingest` with arguments that let it do its work, as far as it needs none of a person."""

from collections.abc import Iterator
from typing import Any

import typer

from cli.main import app

UNKNOWN_ID = "0198c0de-0000-7000-8000-000000000000"

COMMANDS: dict[str, tuple[str, ...]] = {
    "audit": ("audit",),
    "backfill": ("backfill", "--yes"),
    "dead discard": ("dead", "discard", UNKNOWN_ID, "--yes"),
    "dead list": ("dead", "list"),
    "dead replay": ("dead", "replay", "--yes"),
    "dead show": ("dead", "show", UNKNOWN_ID),
    "doctor": ("doctor", "--offline"),
    "export": ("export", "--msg-id", "77229135982780"),
    "forget": ("forget", "--msg-id", "77229135982780", "--yes", "--wait", "0"),
    "hooks apply": ("hooks", "apply", "--yes"),
    "hooks list": ("hooks", "list"),
    "hooks plan": ("hooks", "plan"),
    "migrate": ("migrate",),
    "opt-outs add": ("opt-outs", "add", "+4915123456789"),
    "opt-outs check": ("opt-outs", "check", "+4915123456789"),
    "opt-outs end": ("opt-outs", "end", "+4915123456789"),
    "opt-outs list": ("opt-outs", "list"),
    "opt-outs scan": ("opt-outs", "scan"),
    "query": ("query", "--example", "stuck"),
    "reactions list": ("reactions", "list"),
    "reactions pause": ("reactions", "pause", "shop"),
    "reactions resume": ("reactions", "resume", "shop"),
    "reactions retry": ("reactions", "retry", "shop", "--yes"),
    "reactions show": ("reactions", "show", "shop"),
    "reactions skip": ("reactions", "skip", "shop", "--yes"),
    "reactions test": ("reactions", "test", "shop"),
    "rebuild": ("rebuild", "--type", "dlr", "--yes"),
    "send": ("send",),
    "simulate": ("simulate", "--messages", "1"),
    "status": ("status",),
    "trace": ("trace",),
    "up": ("up",),
}
"""By their names. `up` ends only where something keeps it from starting."""


def leaf_names(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The names of all commands that have no commands of their own."""
    command = command or typer.main.get_command(app)
    if not hasattr(command, "list_commands"):
        yield " ".join(words)
        return
    for name in command.list_commands(None):
        yield from leaf_names(command.get_command(None, name), (*words, name))
