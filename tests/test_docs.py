"""The documents are true: settings, event types, tables, commands and links are what the code says."""

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings
from typer.main import get_command

from cli.main import app
from cli.settings import HomeSettings
from emulator.settings import EmulatorSettings
from ingest.settings import IngestSettings
from runtime.settings import KNOWN_NAMES
from seven.events import EVENT_TYPES, QUEUES
from store.schema import metadata
from store.views import VIEWS
from tests import licences
from tests.conftest import TOKEN
from workers.settings import WorkerSettings

ROOT = Path(__file__).parents[1]
SETTINGS: list[type[BaseSettings]] = [HomeSettings, IngestSettings, WorkerSettings, EmulatorSettings]
EXAMPLE = (ROOT / ".env.example").read_text()
README = (ROOT / "README.md").read_text()
PAGES = [*ROOT.glob("*.md"), *(page for room in ("docs", "deploy") for page in (ROOT / room).rglob("*.md"))]


def documented() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z][A-Z_]*)=(.*)$", EXAMPLE, re.MULTILINE))


def fields() -> dict[str, object]:
    return {name.upper(): field for settings in SETTINGS for name, field in settings.model_fields.items()}


def told_to_compose() -> set[str]:
    """What docker-compose.yml and its setup read beside our processes' settings."""
    files = [ROOT / "docker-compose.yml", ROOT / "deploy/tls.yml"]
    named = {name for file in files for name in re.findall(r"\$\{([A-Z_]+)", file.read_text())}
    return named | set(re.findall(r"\"((?:POSTGRES|REDIS)_PASSWORD)\"", (ROOT / "deploy/setup.py").read_text()))


def test_every_setting_is_in_the_example_and_no_other():
    """.env.example names exactly the settings that there are."""
    assert set(documented()) == set(fields()) | told_to_compose()


def test_every_setting_is_described():
    """Every setting says in the code what it is for."""
    assert not [
        f"{one.__name__}.{name}"
        for one in SETTINGS
        for name, field in one.model_fields.items()
        if not field.description
    ]


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """What .env.example shows is what holds without it."""
    for name in fields():
        monkeypatch.delenv(name, raising=False)
    for settings in SETTINGS:
        given = {"seven_hook_token": TOKEN} if "seven_hook_token" in settings.model_fields else {}
        bare = settings(**given)
        for name, told in documented().items():
            if told and name.lower() in settings.model_fields and (settings is not HomeSettings or name != "REDIS_URL"):
                monkeypatch.setenv(name, told)
        assert settings(**given) == bare


def test_no_name_of_ours_is_unknown():
    """The names that no process warns of are those of the settings."""
    assert {name for name in fields() if name.startswith("SEVEN_")} == KNOWN_NAMES


@pytest.mark.parametrize("word", [*EVENT_TYPES, *QUEUES, *VIEWS, *(table.name for table in metadata.tables.values())])
def test_the_readme_names_what_people_meet(word: str):
    """Every event type, queue, table and view is in the README."""
    assert f"`{word}" in README


def test_the_readme_names_every_command():
    """Every command of `seven-ingest` and every target of make is in the README."""
    for command in get_command(app).list_commands(None):  # type: ignore[attr-defined]
        assert f"seven-ingest {command}" in README
    for target in re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE):
        assert f"make {target}" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path):
    """What a page points at in this repository is there."""
    text = page.read_text()
    links = [one for one in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in one]
    paths = re.findall(r"`((?:seven|ledger|ingest|workers|emulator|cli|tests|docs|deploy)/[\w./-]*)`", text)
    assert not [one for one in links if not (page.parent / one).exists()]
    assert not [one for one in paths if not (ROOT / one).exists()]


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in ROOT.rglob("*")
        if p.suffix in {".py", ".md", ".lua", ".toml", ".lock"} and ".venv" not in p.parts and p.is_file()
    ],
    ids=lambda path: path.name,
)
def test_nothing_names_a_registry(path: Path):
    """Dependencies are pinned by version and hash; where they come from is each machine's own matter."""
    assert not re.search(r"py" + r"pi\.org|python" + r"hosted", path.read_text())


def test_every_licence_is_listed():
    """What is installed with us is on the page, under a licence that binds nobody who uses it."""
    listed = dict(re.findall(r"^\| ([\w.-]+) +\| (.+?) +\|$", licences.PAGE.read_text(), re.MULTILINE)[1:])
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in listed}
    installed = {re.sub(r"[-_.]+", "-", one.name).lower() for one in distributions()}
    assert not (licences.required() & installed) - names
    assert not {name: told for name, told in listed.items() if re.search("UNKNOWN|(?<!L)GPL", told)}
