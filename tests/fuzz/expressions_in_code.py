"""Expressions in code: every use of `re` in the packages."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = [
    "seven",
    "runtime",
    "ledger",
    "store",
    "gateway",
    "operations",
    "reactions",
    "ingest",
    "workers",
    "console",
    "emulator",
    "cli",
]


def expressions_in_code() -> Iterator[str]:
    """Every call of `re`, by its file and by the name it is bound to, or else the function that it is in."""
    for file in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        yield from (f"{file.relative_to(ROOT)}: {name}" for name in _names(ast.parse(file.read_text()), ""))


def _names(node: ast.AST, name: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        inner = name
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = f"{name}.{child.name}".removeprefix(".")
        elif isinstance(child, ast.Assign) and not name:
            inner = ast.unparse(child.targets[0])
        elif isinstance(child, ast.Call) and ast.unparse(child.func).startswith("re.") and child.func.attr != "escape":  # type: ignore[attr-defined]
            yield name
        yield from _names(child, inner)
