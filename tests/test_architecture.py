"""The architecture: which room may import which, and how files are named and sized."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BELOW = {
    "seven": (),
    "runtime": ("seven",),
    "ledger": ("runtime",),
    "store": ("ledger",),
    "gateway": ("store",),
    "operations": ("gateway",),
    "ingest": ("ledger",),
    "workers": ("operations",),
    "emulator": ("runtime",),
    "cli": ("ingest", "workers", "emulator"),
}
"""What each room stands on directly."""


def _known(room: str) -> set[str]:
    return {room}.union(*map(_known, BELOW[room]))


ROOMS = {room: _known(room) for room in BELOW}
"""What each room may import."""
STARLETTE = {"ingest", "emulator"}
READS_THE_ENVIRONMENT = {"runtime/settings.py", "emulator/settings.py"}
PURE = {"pydantic", "pydantic_core"}
IMPURE = {"asyncio", "http", "os", "socket", "subprocess", "threading", "time"}


def imports(path: Path) -> set[str]:
    """The top-level packages that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


FILES = [
    pytest.param(room, path, id=str(path.relative_to(ROOT)))
    for room in ROOMS
    for path in sorted((ROOT / room).rglob("*.py"))
]


@pytest.mark.parametrize(("room", "path"), FILES)
def test_rooms_know_only_what_they_stand_on(room: str, path: Path):
    """ingest → ledger → seven ← ledger ← workers; nobody imports cli; Starlette is known at the edges only."""
    known = imports(path)
    assert known & set(ROOMS) <= ROOMS[room]
    assert "starlette" not in known or room in STARLETTE
    assert "tests" not in known


@pytest.mark.parametrize("path", sorted((ROOT / "seven").rglob("*.py")), ids=lambda path: path.name)
def test_the_language_is_pure(path: Path):
    """seven opens no socket, reads no environment, asks no clock, and needs pydantic only."""
    known = imports(path)
    assert known - {"seven"} - PURE <= sys.stdlib_module_names
    assert not known & IMPURE
    assert "datetime.now" not in path.read_text()


@pytest.mark.parametrize(("room", "path"), [one for one in FILES if one.values[0] != "cli"])
def test_the_environment_is_read_in_settings(room: str, path: Path):
    """Whatever a process is told of its surroundings comes through its one settings class."""
    del room
    if str(path.relative_to(ROOT)) not in READS_THE_ENVIRONMENT:
        assert not [word for word in ("os.environ", "getenv(") if word in path.read_text()]


@pytest.mark.parametrize(("room", "path"), FILES)
def test_a_file_answers_one_question(room: str, path: Path):
    """No file grows beyond 250 lines, and none is called after nothing in particular."""
    del room
    assert len(path.read_text().splitlines()) <= 250
    assert path.stem not in {"utils", "helpers", "common", "core", "base", "misc"}
