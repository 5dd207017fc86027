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
    "reactions": ("store",),
    "ingest": ("ledger",),
    "workers": ("operations", "reactions"),
    "console": ("operations",),
    "emulator": ("runtime",),
    "cli": ("ingest", "workers", "console", "emulator"),
}
"""What each room stands on directly."""


def _known(room: str) -> set[str]:
    return {room}.union(*map(_known, BELOW[room]))


ROOMS = {room: _known(room) for room in BELOW}
"""What each room may import."""
STARLETTE = {"ingest", "console", "emulator"}
READS_THE_ENVIRONMENT = {"runtime/settings/environment.py", "runtime/settings/registry.py"}
PURE = {"pydantic", "pydantic_core", "phonenumbers"}
IMPURE = {"asyncio", "http", "os", "socket", "subprocess", "threading", "time"}
NOUNS = {"masking", "parsing", "pending", "routing", "signing", "tracking"}
"""Words in -ing that computing, or the gateway, uses as nouns; and one that is none."""
NO_NAMES = {"told", "said", "one", "some", "found", "asked"}
"""What a value may not be called: it is named by what it is."""


def imports(path: Path) -> set[str]:
    """The top-level packages that a file imports, wherever in it."""
    packages = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            packages |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            packages.add(node.module.split(".")[0])
    return packages


def bound_names(tree: ast.AST) -> set[str]:
    """Every name that a file binds: variables, parameters, attributes, functions, classes, aliases."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.alias(asname=str(name)):
                names.add(name)
    return names


def is_gerund(name: str) -> bool:
    """Whether a module's name ends in -ing where it is no noun."""
    return name.endswith("ing") and name.rpartition("_")[2] not in NOUNS


FILES = {room: sorted((ROOT / room).rglob("*.py")) for room in (*ROOMS, "bench", "deploy", "tests")}
ALL_FILES = [path for paths in FILES.values() for path in paths]


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_know_only_what_they_stand_on(room: str):
    """No room imports one that stands beside or above it; Starlette is imported at the edges only."""
    assert FILES[room]
    for path in FILES[room]:
        known = imports(path)
        assert known & set(ROOMS) <= ROOMS[room], path
        assert "starlette" not in known or room in STARLETTE, path
        assert "tests" not in known, path


@pytest.mark.parametrize("path", sorted((ROOT / "seven").rglob("*.py")), ids=lambda path: path.name)
def test_the_language_is_pure(path: Path):
    """seven opens no socket, reads no environment and no clock, and needs pydantic and the numbering plans only."""
    known = imports(path)
    assert known - {"seven"} - PURE <= sys.stdlib_module_names
    assert not known & IMPURE
    assert "datetime.now" not in path.read_text()


def test_the_environment_is_read_in_settings():
    """A process reads its environment through its one settings class; commands may read it themselves."""
    readers = {
        str(path.relative_to(ROOT))
        for room in {*ROOMS} - {"cli"}
        for path in FILES[room]
        if any(call in path.read_text() for call in ("os.environ", "getenv("))
    }
    assert readers <= READS_THE_ENVIRONMENT


def test_a_file_answers_one_question():
    """No file has more than 250 lines, and none is named after nothing in particular, or by a gerund."""
    assert len(ALL_FILES) > 500
    assert not [path for path in ALL_FILES if len(path.read_text().splitlines()) > 250]
    assert not [path for path in ALL_FILES if path.stem in {"utils", "helpers", "common", "core", "base", "misc"}]
    assert not [path for path in ALL_FILES if is_gerund(path.stem)]


def test_a_value_is_named_by_what_it_is():
    """No variable, parameter, attribute, function or class is called `told`, `said`, `one`, `some`, `found`, `asked`."""
    names = {
        path: {name for name in bound_names(ast.parse(path.read_text())) if name.lstrip("_") in NO_NAMES}
        for path in ALL_FILES
    }
    assert not {path: forbidden for path, forbidden in names.items() if forbidden}


def test_the_rules_on_names_catch_what_they_forbid():
    """A gerund, and each way to bind a name."""
    assert is_gerund("telling")
    assert is_gerund("test_telling")
    assert not is_gerund("parsing")
    for code in (
        "told = 1", "def told(): ...", "async def told(): ...", "class told: ...", "lambda told: 0", "self.told = 1",
        "import x as told", "for told in x: ...", "(told := 1)", "[0 for told in x]", "with x as told: ...",
        "try: ...\nexcept E as told: ...", "match x:\n case told: ...",
    ):  # fmt: skip
        assert bound_names(ast.parse(code)) & NO_NAMES == {"told"}, code
