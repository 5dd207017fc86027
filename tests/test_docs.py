"""The documentation matches the code: settings, event types, tables, commands and links."""

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings
from typer.main import get_command

from cli.main import app
from cli.settings import HomeSettings
from console.settings import ConsoleSettings
from emulator.settings import EmulatorSettings
from ingest.settings import IngestSettings
from runtime.settings.environment import Environment
from runtime.settings.machine import ComposeSettings
from runtime.settings.registry import NAMES, SECTIONS, declared
from runtime.settings.users import UserSettings
from seven.events import EVENT_TYPES, QUEUES
from store.schema import metadata
from store.views import VIEWS
from tests import licences, settings_pages, tables_page
from tests.conftest import TOKEN
from workers.settings import WorkerSettings

ROOT = Path(__file__).parents[1]
SETTINGS: list[type[BaseSettings]] = [HomeSettings, IngestSettings, WorkerSettings, ConsoleSettings, EmulatorSettings]
EXAMPLE = (ROOT / ".env.example").read_text()
REFERENCE = (ROOT / "README.md").read_text() + (ROOT / "docs/reference.md").read_text()
PAGES = [*ROOT.glob("*.md"), *(page for room in ("docs", "deploy") for page in (ROOT / room).rglob("*.md"))]


def documented() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z][A-Z_]*)=(.*)$", EXAMPLE, re.MULTILINE))


def fields() -> dict[str, object]:
    return {name.upper(): field for settings in SETTINGS for name, field in settings.model_fields.items()}


def compose_names() -> set[str]:
    """The variables that docker-compose.yml, deploy/tls.yml and the setup container read."""
    files = [ROOT / "docker-compose.yml", ROOT / "deploy/tls.yml"]
    names = {name for file in files for name in re.findall(r"\$\{([A-Z_]+)", file.read_text())}
    names.discard("COMPOSE_PROJECT_NAME")  # compose sets it
    names = {name.removesuffix("_FILE") for name in names}
    return names | {name.upper() for of_setup in (ComposeSettings, UserSettings) for name in of_setup.model_fields}


def test_the_page_of_tables_is_renewed():
    """docs/tables.md says what the schema says: `make tables` writes it."""
    assert tables_page.PAGE.read_text() == tables_page.page()


def test_the_settings_pages_are_renewed():
    """`.env.example` and docs/settings.md are what `make settings` writes."""
    assert settings_pages.EXAMPLE.read_text() == settings_pages.example()
    assert settings_pages.TABLE.read_text() == settings_pages.table()


def test_every_setting_is_declared_once():
    """In one group, with a description; the classes of processes declare none."""
    groups = [*(group for groups in SECTIONS.values() for group in groups), EmulatorSettings]
    bases = {base for group in groups for base in group.__mro__ if issubclass(base, Environment)}
    names = [name for base in bases for name in base.__annotations__ if name in base.model_fields]

    assert sorted(names) == sorted(set(names))
    assert {name.upper() for name in names} == set(fields()) | set(compose_names())
    assert not [
        name
        for settings in (HomeSettings, IngestSettings, WorkerSettings, ConsoleSettings)
        for name in settings.__annotations__
    ]
    assert not [name for name, field in declared(groups) if not field.description]


def test_compose_reads_nothing_undeclared():
    """Every variable in the compose files is a setting."""
    assert compose_names() <= NAMES


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The values in .env.example are the defaults."""
    for name in fields():
        monkeypatch.delenv(name, raising=False)
    for settings in SETTINGS:
        given = {"seven_hook_token": TOKEN} if "seven_hook_token" in settings.model_fields else {}
        bare = settings(**given)
        for name, default in documented().items():
            if (
                default
                and name.lower() in settings.model_fields
                and (settings is not HomeSettings or name != "REDIS_URL")
            ):
                monkeypatch.setenv(name, default)
        assert settings(**given) == bare


@pytest.mark.parametrize("word", [*EVENT_TYPES, *QUEUES, *VIEWS, *(table.name for table in metadata.tables.values())])
def test_the_reference_names_events_queues_tables_and_views(word: str):
    """Every event type, queue, table and view is in the README or in docs/reference.md."""
    assert f"`{word}" in REFERENCE


def test_the_reference_names_every_command():
    """Every command of `seven-ingest` and every target of make is in the README or in docs/reference.md."""
    for command in get_command(app).list_commands(None):  # type: ignore[attr-defined]
        assert f"seven-ingest {command}" in REFERENCE
    for target in re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE):
        assert f"make {target}" in REFERENCE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_exist(page: Path):
    """Links and paths of a page exist in this repository."""
    text = page.read_text()
    links = [path for path in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in path]
    paths = re.findall(r"`((?:seven|ledger|ingest|workers|console|emulator|cli|tests|docs|deploy)/[\w./-]*)`", text)
    assert not [path for path in links if not (page.parent / path).exists()]
    assert not [path for path in paths if not (ROOT / path).exists()]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_a_heading(page: Path):
    """Where a link names a heading of a page, the page has it."""
    links = re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text())
    assert not [
        f"{path}#{anchor}"
        for path, anchor in links
        if "://" not in path and anchor not in anchors(page.parent / path if path else page)
    ]


def test_documented_servers_run_together():
    """Wherever a page or a module says how to start one, each has a port of its own: uvicorn's is the receiver's."""
    files = [*ROOT.glob("*/app.py"), *PAGES]
    commands = [match for file in files for match in re.findall(r"`uvicorn (\w+)\.app:app([^`]*)`", file.read_text())]
    ports = {(process, *re.findall(r"--port (\d+)", options)) for process, options in commands}

    assert ports == {("ingest",), ("console", "8090"), ("emulator", "8077")}


def test_nothing_names_a_registry():
    """Dependencies are pinned by version and hash; the registry is each machine's own configuration."""
    tops = [top for top in ROOT.iterdir() if top.name not in {".venv", ".git"}]
    paths = [path for top in tops for path in (top, *top.rglob("*"))]
    texts = [p for p in paths if p.suffix in {".py", ".md", ".lua", ".toml", ".lock"} and p.is_file()]
    assert len(texts) > 600
    assert not [path for path in texts if re.search(r"py" + r"pi\.org|python" + r"hosted", path.read_text())]


def test_every_licence_is_listed():
    """Every required package is on the page, with a known licence that is not the GPL."""
    listed = dict(re.findall(r"^\| ([\w.-]+) +\| (.+?) +\|$", licences.PAGE.read_text(), re.MULTILINE)[1:])
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in listed}
    installed = {re.sub(r"[-_.]+", "-", distribution.name).lower() for distribution in distributions()}
    assert not (licences.required() & installed) - names
    assert not {name: licence for name, licence in listed.items() if re.search("UNKNOWN|(?<!L)GPL", licence)}


def test_the_index_names_every_decision():
    """In their order, by their titles' numbers."""
    listed = re.findall(
        r"^\| \[(\d{4})\]\(decisions/(\d{4}[\w-]+\.md)\)", (ROOT / "docs/index.md").read_text(), re.MULTILINE
    )
    assert [name for _, name in listed] == sorted(file.name for file in (ROOT / "docs/decisions").glob("*.md"))
    assert all(name.startswith(number) for number, name in listed)
