"""The contract in the code: commands, settings, log keys and the Redis keyspace, read without running anything."""

import ast
import re
from collections.abc import Iterator
from enum import Enum
from importlib.metadata import entry_points
from typing import Any, get_args

import typer

from tests.test_architecture import ROOMS, ROOT
from tests.test_docs import documented

LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}


def commands() -> list[str]:
    """Every command with its options, arguments and defaults, and the exit codes."""
    (script,) = entry_points(group="console_scripts", name="seven-ingest")
    app = typer.main.get_command(script.load())
    exit_codes = re.sub(r"\s+", " ", app.epilog or "")
    return [*_command(("seven-ingest",), app), exit_codes]


def _command(words: tuple[str, ...], command: Any) -> Iterator[str]:
    yield " ".join(words)
    for parameter in command.params:
        is_option = parameter.opts[0].startswith("-")
        name = (
            "/".join([*parameter.opts, *parameter.secondary_opts])
            if is_option
            else f"<{parameter.metavar or parameter.name}>"
        )
        kind = "" if getattr(parameter, "is_flag", False) else _kind(parameter)
        traits = [kind, "required" * parameter.required, "several" * parameter.multiple, _default(parameter.default)]
        yield " ".join([*words, name, *filter(None, traits)])
    names = command.list_commands(None) if hasattr(command, "list_commands") else ()
    for name in sorted(names):
        yield from _command((*words, name), command.get_command(None, name))


def _kind(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    (inner, *others) = get_args(annotation) or (annotation,)
    if others or isinstance(inner, str):
        return "|".join(map(str, (inner, *others)))
    return "|".join(member.value for member in inner) if issubclass(inner, Enum) else inner.__name__


def _default(default: Any) -> str:
    return "" if default in (None, False, ()) or callable(default) else f"= {default}"


def settings() -> list[str]:
    """Every setting with its default in `.env.example`; `tests/test_docs.py` checks these against the code."""
    return sorted(f"{name}={default}" for name, default in documented().items())


def log_keys() -> list[str]:
    """The keys of log lines, without their sentence."""
    keys: set[str] = set()
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                logger = node.func.value
                if isinstance(logger, ast.Name) and logger.id == "log":
                    keys |= {keyword.arg for keyword in node.keywords if keyword.arg}
    return sorted(keys)


def redis_keys() -> list[str]:
    """The documented Redis keys with their types."""
    types = {"text": "string"}
    rows = re.findall(r"^    (seven:\S+)\s+(\w+)  ", (ROOT / "ledger/__init__.py").read_text(), re.MULTILINE)
    return [f"{key} {types.get(kind, kind)}" for key, kind in rows]
