"""Lazy group: a command is imported when it runs; `--help` lists commands by reading their source.

Importing all of them takes a second of processor time, which every command would pay before it does anything.
"""

import ast
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, cast

import typer
from typer.core import TyperGroup


class LazyGroup(TyperGroup):
    """Commands by name, each with a function or Typer app in the module of its name, with `_` for `-`."""

    lazy: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.commands = cast("dict[str, Any]", dict.fromkeys(self.lazy))  # the library suggests these after a typo

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is the library's
        """The names, in the order in which help shows them."""
        return list(self.lazy)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """Import a command; None for an unknown name."""
        if cmd_name not in self.lazy:
            return None
        target = getattr(import_module(f"cli.commands.{_module(cmd_name)}"), self.lazy[cmd_name])
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.callback()(lambda: None)  # else a single command would be no group
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=cmd_name)
        else:
            app.command(cmd_name)(target)
        return typer.main.get_group(app).commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as above
        """One line per command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(name, target)) for name, target in self.lazy.items()])


def _module(name: str) -> str:
    return name.replace("-", "_")


def summary(name: str, target: str) -> str:
    """The first sentence that a command's help begins with, from its source."""
    spec = find_spec(f"cli.commands.{_module(name)}")
    assert spec
    assert spec.origin
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == target:
            text = ast.get_docstring(node) or ""
            return text.partition("\n")[0].rstrip(".")
        if isinstance(node, ast.Assign) and cast("ast.Name", node.targets[0]).id == target:
            keywords = {keyword.arg: keyword.value for keyword in cast("ast.Call", node.value).keywords}
            return str(ast.literal_eval(keywords["help"])).rstrip(".")
    raise LookupError(name)
