"""up: runs everything on one machine, and keeps it running when a process is killed."""

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.cli.installation import READY, CommandLine
from tests.extent import thorough
from tests.servers import Valkey, eventually

pytestmark = pytest.mark.duration(60)  # of all together: most share one installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A running installation with the emulator as its gateway."""
    installation = CommandLine(tmp_path_factory.mktemp("installation"), EMULATOR_STORY_MESSAGES="20")
    installation.start()
    yield installation
    installation.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[CommandLine]:
    """An installation that has never run."""
    installation = CommandLine(tmp_path)
    yield installation
    installation.close()


def test_the_first_scenario_is_in_the_database(installation: CommandLine):
    """The output counts the messages in the database, and says that they are made up."""
    assert installation.count("messages") >= 20
    assert "the gateway is the emulator" in installation.output
    assert "Nothing leaves this machine" in installation.output
    counts = installation.output.partition("In the database")[2]
    for text in ("messages", "calls", "received", "links", "seven-ingest trace", "SEVEN_PUBLIC_URL"):
        assert text in counts
    assert f"Of the {installation.count('deliveries')} deliveries of the first scenario" in counts


def test_what_the_first_scenario_holds_is_counted(installation: CommandLine):
    """Repeats, a late report, a click that was never reported and a parked delivery, as the tables have them."""
    with closing(sqlite3.connect(installation.data / "seven.db")) as connection:
        (repeats,) = connection.execute("SELECT count(digest) - count(DISTINCT digest) FROM deliveries").fetchone()
        (parked,) = connection.execute("SELECT count(*) FROM deliveries WHERE outcome = 'parked'").fetchone()
        (unreported,) = connection.execute(
            "SELECT (SELECT sum(clicks) FROM links) - (SELECT count(*) FROM link_events WHERE type = 'click')"
        ).fetchone()
    assert (repeats > 0, parked, unreported) == (True, 1, 1)
    for text in (f"{repeats} repeat", "1 late report", "1 click counted, and never reported", "1 parked"):
        assert text in installation.output
    assert "seven-ingest dead list`" in installation.output


def test_every_process_is_in_the_list(installation: CommandLine):
    """Each is named once it answers."""
    started = [line.split()[0] for line in installation.output.splitlines() if line.startswith("  ")]
    for name in ("broker", "database", "emulator", "receiver", "worker", "beat", "Flower"):
        assert name in started


def test_the_emulator_signs(installation: CommandLine):
    """According to `doctor` every signature of the first scenario is valid."""
    answer = json.loads(installation.run("doctor", "--offline", "--json").stdout)
    (signature,) = answer["concerns"]["Guards"]
    assert signature["grade"] == "good"
    assert int(signature["said"].partition("the last ")[2].split()[0]) > 20


def test_the_console_is_what_to_open_first(installation: CommandLine):
    """Its address stands first under "Open next", and there all is well, with the scenario's messages."""
    assert installation.output.partition("Open next\n")[2].split()[3] == f"http://{installation.console}"
    eventually(lambda: 'id="well">All ' in _page(f"http://{installation.console}/"))
    eventually(lambda: "delivered" in _page(f"http://{installation.console}/"))  # its plots are filled by and by


def test_the_token_is_a_secret(installation: CommandLine):
    """The hook token is in one file that only its owner can read; in no output, log or command line."""
    token_file = installation.data / "hook-token"
    token = token_file.read_text().strip()
    assert token_file.stat().st_mode & 0o077 == 0
    assert installation.data.stat().st_mode & 0o077 == 0
    assert len(token) >= 16
    assert token not in installation.output
    assert not [log for log in (installation.data / "logs").iterdir() if token in log.read_text()]
    assert not [child for child in installation.children() if token in child.command]


@pytest.mark.parametrize(
    "part",
    [
        *("valkey-server", "ingest.app", "app worker"),
        *(pytest.param(part, marks=thorough) for part in ("app beat", "app flower", "console.app", "emulator.app")),
    ],
)
def test_a_killed_process_restarts(installation: CommandLine, part: str):
    """kill -9 of any process is reported, and it runs again."""
    killed = eventually(lambda: installation.child(part))
    restarts = installation.output.count("and restarts in")
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: installation.child(part) not in (0, killed))
    assert installation.output.count("and restarts in") == restarts + 1


def test_after_all_kills_a_delivery_becomes_a_record(installation: CommandLine):
    """After every process has been killed, a delivery becomes a record, and Flower answers."""

    def accepted() -> bool:
        return installation.run("send", "dlr", "--set", "msg_id=4711").returncode == 0

    eventually(accepted, every_s=0.2)
    eventually(lambda: installation.run("trace", "4711").returncode == 0, within_s=60)
    url = f"http://127.0.0.1:{installation.ports['SEVEN_FLOWER_PORT']}"
    eventually(lambda: _status(url) == 200)
    eventually(lambda: _status(f"http://{installation.console}/") == 200)


def test_a_second_up_in_the_same_directory_is_refused(installation: CommandLine):
    """Two brokers with one append-only file would ruin it: exit code 2, and the setting to change."""
    result = installation.run("up")
    assert result.returncode == 2
    assert "SEVEN_DATA_DIR" in result.stderr
    assert len(installation.children()) == 7


def test_taken_ports_are_named_with_the_settings_that_move_them(installation: CommandLine):
    """Exit code 2 before any process starts; it names all ports at once, including one in two settings."""
    flower = str(installation.ports["SEVEN_PORT"])
    result = installation.run("up", SEVEN_DATA_DIR="other", SEVEN_FLOWER_PORT=flower, EMULATOR_PORT=flower)
    assert result.returncode == 2
    assert f"receiver: port {flower} is taken" in result.stderr
    for setting in ("SEVEN_PORT", "SEVEN_BROKER_PORT", "SEVEN_FLOWER_PORT", "SEVEN_CONSOLE_ADDRESS", "EMULATOR_PORT"):
        assert setting in result.stderr


def test_a_short_password_of_flower_is_refused(installation: CommandLine):
    """Each of several logins counts: exit code 2 before any process starts, and no password on the screen."""
    result = installation.run("up", SEVEN_DATA_DIR="other", FLOWER_BASIC_AUTH="ops:long-enough-word,guest:xyzzy")
    assert result.returncode == 2
    assert "FLOWER_BASIC_AUTH" in result.stderr
    assert "8 or more characters" in result.stderr
    assert "xyzzy" not in result.stderr + result.stdout
    assert "long-enough-word" not in result.stderr + result.stdout


def test_it_ends_with_ctrl_c_and_continues_at_the_next_start(installation: CommandLine):
    """Exit code 0, no process left; the next start keeps every row, and does not play the first scenario again."""
    records = [installation.count(table) for table in ("messages", "calls", "inbound_messages", "links")]
    deliveries = installation.count("deliveries")
    token = (installation.data / "hook-token").read_text()
    assert installation.end() == 0
    assert "Ended. Everything accepted is stored." in installation.output
    assert not installation.remaining_processes()

    installation.start()
    assert [installation.count(table) for table in ("messages", "calls", "inbound_messages", "links")] == records
    assert installation.count("deliveries") == deliveries
    assert "first scenario" not in installation.output
    assert (installation.data / "hook-token").read_text() == token


def test_a_killed_up_leaves_no_process_behind(installation: CommandLine):
    """kill -9 of the supervisor: the other processes end by themselves, which frees their ports."""
    assert len(installation.children()) == 7
    installation.end(signal.SIGKILL)
    eventually(lambda: not installation.remaining_processes(), within_s=40)


def test_an_account_and_existing_servers(fresh: CommandLine, shared_valkey: Valkey):
    """With SEVEN_API_KEY no emulator runs, with REDIS_URL no broker, and DATABASE_URL replaces the SQLite file."""
    database = fresh.directory / "mine.db"
    fresh.environment |= {
        "SEVEN_API_KEY": "not-a-real-key", "REDIS_URL": shared_valkey.url, "DATABASE_URL": f"sqlite:///{database}",
        "SEVEN_HOOK_TOKEN": "a-token-of-ones-own", "SEVEN_PUBLIC_URL": "https://sms.example/",
    }  # fmt: skip
    fresh.start()
    assert "your seven.io account" in fresh.output
    assert "https://sms.example/hooks/<the hook token>" in fresh.output
    assert "seven-ingest hooks apply`" in fresh.output
    assert "simulate" not in fresh.output
    assert len(fresh.children()) == 5
    assert not fresh.child("emulator.app")
    assert not fresh.child("valkey-server")
    assert database.exists()
    assert not (fresh.data / "seven.db").exists()
    assert not (fresh.data / "hook-token").exists()
    receiver = next(child for child in fresh.children() if "ingest.app" in child.command)
    assert "not-a-real-key" not in receiver.environment
    assert fresh.run("send").returncode == 0
    assert fresh.end(signal.SIGTERM) == 0
    assert not fresh.remaining_processes()


def test_ctrl_c_while_it_starts(fresh: CommandLine):
    """A signal before it is ready ends it just as cleanly."""
    fresh.start(until="database")
    assert READY not in fresh.output
    assert fresh.end() == 0
    assert not fresh.remaining_processes()


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        pytest.param({"REDIS_URL": "redis://127.0.0.1:1/0"}, 3, "REDIS_URL", id="a broker that does not answer"),
        pytest.param({"DATABASE_URL": "mysql://x"}, 2, "DATABASE_URL", id="a database of another kind"),
        pytest.param({"SEVEN_HOOK_TOKEN": "short"}, 2, "SEVEN_HOOK_TOKEN", id="a weak token"),
        pytest.param({"SEVEN_PORT": "http"}, 2, "SEVEN_PORT", id="a port that is none"),
        pytest.param({"SEVEN_DATA_DIR": "/dev/null/data"}, 2, "SEVEN_DATA_DIR", id="nowhere to keep anything"),
    ],
)
def test_a_start_that_fails(fresh: CommandLine, settings: dict[str, str], code: int, message: str):
    """It names the setting that is wrong, and leaves no process running."""
    result = fresh.run("up", **settings)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not fresh.remaining_processes()


def _status(url: str) -> int:
    try:
        return httpx2.get(url, trust_env=False).status_code
    except httpx2.TransportError:
        return 0


def _page(url: str) -> str:
    try:
        return httpx2.get(url, trust_env=False).text
    except httpx2.TransportError:
        return ""
