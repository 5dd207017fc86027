"""reactions: list, show, pause, resume and skip on both databases, with their exit codes."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from store.engine import sqlite_file
from store.outbox import FILE
from store.schema import reactions
from tests.cli.installation import CommandLine
from tests.cli.terminal import output_on_terminal
from tests.factories.subscribers import FAILING, PAUSED, STARTING, URL, WORKING, put_changes, subscribe

NAMES = (STARTING, PAUSED, FAILING, WORKING)
ASKING = (("retry", FAILING), ("retry", FAILING, "--since", "3d"), ("skip", FAILING))


@pytest.fixture
def connected(installation: CommandLine, redis_url: str, database_url: str) -> CommandLine:
    """An installation without a file of reactions, to whose database nobody subscribes."""
    installation.environment |= {"REDIS_URL": redis_url, "DATABASE_URL": database_url}
    return installation


@pytest.fixture
def subscribed(connected: CommandLine, engine: Engine) -> CommandLine:
    """Four subscribers, with changes that wait for them."""
    subscribe(engine)
    put_changes(engine)
    return connected


def test_list(subscribed: CommandLine, engine: Engine):
    """Exit code 1 while one is paused or fails; 0 once none is."""
    answer = subscribed.answer("reactions", "list", code=1)
    listed = {each["name"]: each for each in answer["reactions"]}
    assert tuple(listed) == NAMES
    assert (listed[FAILING]["waiting"], listed[FAILING]["failing"], listed[FAILING]["settled"]) == (5, 1, {"sent": 1})
    assert (listed[STARTING]["state"], listed[STARTING]["starting"]) == ("starting", ["call.received"])
    printed = subscribed.run("reactions", "list")
    assert printed.returncode == 1
    for sentence in (
        f"{FAILING} has failed for 2 h: status 500.",
        f"{PAUSED} is paused: its target failed for 3 days.",
        f"{STARTING} begins in ",
    ):
        assert sentence in printed.stdout
    with engine.begin() as connection:
        connection.execute(update(reactions).values(state="on", failing_since=None))
    assert subscribed.run("reactions", "list").returncode == 0


def test_show(subscribed: CommandLine):
    """One subscriber, with what comes next, the first first."""
    answer = subscribed.answer("reactions", "show", FAILING)
    assert (answer["name"], answer["last_failure"], len(answer["next"])) == (FAILING, "status 500", 5)
    assert [each["attempts"] for each in answer["next"]] == [0, 0, 0, 0, 1]
    assert answer["next"][0].keys() == {"topic", "key", "was", "now", "attempts", "last_failure", "due_at"}
    assert "reactions retry shop" in subscribed.run("reactions", "show", FAILING).stdout
    paused = subscribed.run("reactions", "show", PAUSED).stdout
    assert ("when resumed" in paused, f"reactions resume {PAUSED}" in paused) == (True, True)


def test_a_removed_one_is_unknown(subscribed: CommandLine, engine: Engine):
    with engine.begin() as connection:
        connection.execute(update(reactions).where(reactions.c.name == WORKING).values(state="off"))
    assert WORKING not in subscribed.run("reactions", "list").stdout
    assert subscribed.run("reactions", "show", WORKING).returncode == 2


def test_nobody_subscribes(connected: CommandLine, engine: Engine):
    """That is an answer, and makes no file."""
    result = connected.run("reactions", "list")
    assert (result.returncode, "Nobody subscribes." in result.stdout) == (0, True)
    assert connected.answer("reactions", "list") == {"reactions": []}
    subscribe(engine)
    answer = connected.answer("reactions", "show", FAILING)
    assert (answer["waiting"], answer["settled"], answer["next"]) == (0, {}, [])
    file = sqlite_file(engine.url)
    assert file is None or not file.with_name(FILE).exists()


def test_a_file_without_tables(connected: CommandLine, engine: Engine):
    """What a dispatcher that was killed at its start leaves: nothing waits."""
    subscribe(engine)
    file = sqlite_file(engine.url)
    if file is not None:
        file.with_name(FILE).touch()
    assert connected.answer("reactions", "show", FAILING)["waiting"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("retry", "--dry-run"),
        ("retry", "--since", "1d", "--yes"),
        ("skip", "--yes"),
        ("pause",),
        ("resume",),
    ],
    ids=" ".join,
)
def test_an_unknown_name(subscribed: CommandLine, words: tuple[str, ...]):
    """Exit code 2, and the names that there are."""
    result = subscribed.run("reactions", words[0], "nobody", *words[1:])
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"No subscriber is named 'nobody'. Known: {', '.join(NAMES)}.\n"


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_without_a_terminal(subscribed: CommandLine, words: tuple[str, ...]):
    """Nothing is done unless --yes says so; --dry-run shows the plan alone."""
    result = subscribed.run("reactions", *words)
    assert (result.returncode, "--yes" in result.stderr) == (2, True)
    before = subscribed.answer("reactions", "show", FAILING)
    assert subscribed.run("reactions", *words, "--dry-run").stdout.startswith(f"{FAILING}: ")
    assert subscribed.answer("reactions", "show", FAILING) == before


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    "words", [("list",), ("show", "shop"), ("retry", "shop", "--yes"), ("pause", "shop")], ids=" ".join
)
def test_without_a_database(installation: CommandLine, empty_database: str, words: tuple[str, ...]):
    """None, one without tables, and one that does not answer: exit code 3, with what to do about it."""
    for url, sentence in (
        ("sqlite:///nowhere.db", "There is no database at nowhere.db yet."),
        (empty_database, "The database has no schema."),
        ("postgresql://seven:x@127.0.0.1:1/none", "The database did not answer: "),
    ):
        Path(empty_database.removeprefix("sqlite:///")).touch()
        result = installation.run("reactions", *words, DATABASE_URL=url)
        assert (result.returncode, sentence in result.stderr) == (3, True), result.stderr
    assert not (installation.directory / "nowhere.db").exists()


def test_pause_and_resume(subscribed: CommandLine):
    """Each says whether it changed anything; the reason is shown, whatever is in it."""
    pause, resume = ("reactions", "pause", WORKING), ("reactions", "resume", WORKING)
    assert subscribed.run(*pause, "--reason", "moved \x1b[2J\udcff").stdout == f"{WORKING} is paused.\n"
    assert subscribed.run(*pause).stdout == f"{WORKING} was paused already.\n"
    shown = subscribed.run("reactions", "show", WORKING).stdout
    assert ("is paused: moved " in shown, "\x1b" in shown) == (True, False)
    assert subscribed.run(*resume).stdout == f"{WORKING} is resumed.\n"
    assert subscribed.run(*resume).stdout == f"{WORKING} was not paused.\n"
    assert subscribed.answer("reactions", "show", WORKING)["reason"] is None


def test_skip(subscribed: CommandLine):
    """All that waits for one subscriber is dropped, and stays countable."""
    assert subscribed.run("reactions", "skip", FAILING, "--yes").stdout.endswith("Dropped: 5 changes.\n")
    answer = subscribed.answer("reactions", "show", FAILING)
    assert (answer["waiting"], answer["settled"]) == (0, {"sent": 1, "skipped": 5})
    assert subscribed.answer("reactions", "show", WORKING)["waiting"] == 6
    assert subscribed.run("reactions", "skip", FAILING, "--yes").stdout == f"{FAILING}: nothing waits.\n"


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("words", [("list",), *(("show", name) for name in NAMES)], ids=" ".join)
def test_it_fits_a_terminal(subscribed: CommandLine, words: tuple[str, ...]):
    """Every line in 80 columns, one line a row, with a long key in it."""
    output = output_on_terminal(subscribed, ("reactions", *words), 80)
    assert max(map(len, output.splitlines())) <= 80
    if words == ("show", WORKING):
        assert sum(URL[:15] in line and "now" in line for line in output.splitlines()) == 6


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_times_are_iso_in_json(subscribed: CommandLine):
    text = json.dumps(subscribed.answer("reactions", "show", FAILING))
    assert "datetime" not in text
    assert "+00:00" in text
