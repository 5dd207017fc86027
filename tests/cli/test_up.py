"""up: everything on one machine, whatever happens to a part of it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.cli.installation import READY, CommandLine
from tests.servers import Valkey, eventually

pytestmark = pytest.mark.duration(60)  # of all together: most share one installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """One that runs, with the emulator as its gateway."""
    installation = CommandLine(tmp_path_factory.mktemp("installation"), EMULATOR_STORY_MESSAGES="20")
    installation.start()
    yield installation
    installation.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[CommandLine]:
    """One that has never run."""
    installation = CommandLine(tmp_path)
    yield installation
    installation.close()


def test_the_first_story_is_in_the_database_and_on_the_screen(installation: CommandLine):
    """Whoever has just started it sees made-up messages counted from the database, and is told that they are."""
    assert installation.count("messages") >= 20
    assert "the gateway is the emulator" in installation.said
    assert "Nothing leaves this machine" in installation.said
    told = installation.said.partition("first story: ")[2].split()
    assert told[0] == told[2] != "0"
    for what in ("messages", "calls", "inbound SMS", "links", "seven-ingest trace", "seven.db", "SEVEN_PUBLIC_URL"):
        assert what in installation.said.partition("In the database")[2]


def test_the_emulator_signs(installation: CommandLine):
    """And the receiver has found every signature of the first story good, as `doctor` tells."""
    told = json.loads(installation.run("doctor", "--offline", "--json").stdout)
    (signature,) = told["concerns"]["Guards"]
    assert signature["grade"] == "good"
    assert int(signature["said"].partition("the last ")[2].split()[0]) > 20


def test_the_token_is_a_secret(installation: CommandLine):
    """The hook token is in one file that only its owner reads: not on the screen, in no log, in no command line."""
    token_file = installation.data / "hook-token"
    token = token_file.read_text().strip()
    assert token_file.stat().st_mode & 0o077 == 0
    assert installation.data.stat().st_mode & 0o077 == 0
    assert len(token) >= 16
    assert token not in installation.said
    assert not [log for log in (installation.data / "logs").iterdir() if token in log.read_text()]
    assert not [one for one in installation.children() if token in one.command]


@pytest.mark.parametrize(
    "part", ["valkey-server", "ingest.app", "app worker", "app beat", "app flower", "emulator.app"]
)
def test_a_part_that_is_killed_is_started_again(installation: CommandLine, part: str):
    """kill -9 of any part: said on the screen, and it runs again."""
    killed = eventually(lambda: installation.child(part))
    told = installation.said.count("is started again")
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: installation.child(part) not in (0, killed))
    assert installation.said.count("is started again") == told + 1


def test_after_all_that_a_delivery_goes_its_way(installation: CommandLine):
    """Whatever was killed, a delivery becomes a record."""

    def accepted() -> bool:
        return installation.run("send", "dlr", "--set", "msg_id=4711").returncode == 0

    eventually(accepted, every_s=0.2)
    eventually(lambda: installation.run("trace", "4711").returncode == 0, within_s=60)
    url = f"http://127.0.0.1:{installation.ports['SEVEN_FLOWER_PORT']}"
    eventually(lambda: _status(url) == 200)


def test_a_second_one_in_the_same_directory_is_turned_away(installation: CommandLine):
    """Two brokers with one append-only file would ruin it: exit code 2, and which setting helps."""
    ended = installation.run("up")
    assert ended.returncode == 2
    assert "SEVEN_DATA_DIR" in ended.stderr
    assert len(installation.children()) == 6


def test_taken_ports_are_named_with_the_settings_that_move_them(installation: CommandLine):
    """Exit code 2 before anything has started, all ports at once, two settings of one port included."""
    flower = str(installation.ports["SEVEN_PORT"])
    ended = installation.run("up", SEVEN_DATA_DIR="other", SEVEN_FLOWER_PORT=flower, EMULATOR_PORT=flower)
    assert ended.returncode == 2
    assert f"receiver: port {flower} is taken" in ended.stderr
    for setting in ("SEVEN_PORT", "SEVEN_BROKER_PORT", "SEVEN_FLOWER_PORT", "EMULATOR_PORT"):
        assert setting in ended.stderr


def test_it_ends_with_ctrl_c_and_goes_on_where_it_ended(installation: CommandLine):
    """Exit code 0, no process left; the next start keeps every row, and the same story told again adds no record."""
    records = [installation.count(table) for table in ("messages", "calls", "inbound_messages", "links")]
    deliveries = installation.count("deliveries")
    token = (installation.data / "hook-token").read_text()
    assert installation.end() == 0
    assert "ended; what was accepted is kept" in installation.said
    assert not installation.left_over()

    installation.start()
    assert [installation.count(table) for table in ("messages", "calls", "inbound_messages", "links")] == records
    assert installation.count("deliveries") > deliveries
    assert (installation.data / "hook-token").read_text() == token


def test_killed_itself_it_leaves_nobody_behind(installation: CommandLine):
    """kill -9 of the supervisor: the others end by themselves, and the next start finds its ports free."""
    assert len(installation.children()) == 6
    installation.end(signal.SIGKILL)
    eventually(lambda: not installation.left_over(), within_s=40)


def test_an_account_and_servers_of_ones_own(fresh: CommandLine, shared_valkey: Valkey):
    """With SEVEN_API_KEY no emulator runs; with REDIS_URL no broker of ours, with DATABASE_URL no database of ours."""
    database = fresh.directory / "mine.db"
    fresh.environment |= {
        "SEVEN_API_KEY": "not-a-real-key", "REDIS_URL": shared_valkey.url, "DATABASE_URL": f"sqlite:///{database}",
        "SEVEN_HOOK_TOKEN": "a-token-of-ones-own", "SEVEN_PUBLIC_URL": "https://sms.example/",
    }  # fmt: skip
    fresh.start()
    assert "your seven.io account" in fresh.said
    assert "https://sms.example/hooks/" in fresh.said
    assert len(fresh.children()) == 4
    assert not fresh.child("emulator.app")
    assert not fresh.child("valkey-server")
    assert database.exists()
    assert not (fresh.data / "seven.db").exists()
    assert not (fresh.data / "hook-token").exists()
    receiver = next(one for one in fresh.children() if "ingest.app" in one.command)
    assert "not-a-real-key" not in receiver.environment
    assert fresh.run("send").returncode == 0
    assert fresh.end(signal.SIGTERM) == 0
    assert not fresh.left_over()


def test_ctrl_c_while_it_starts(fresh: CommandLine):
    """Told to end before it is ready, it ends as cleanly."""
    fresh.start(until="database")
    assert READY not in fresh.said
    assert fresh.end() == 0
    assert not fresh.left_over()


@pytest.mark.parametrize(
    ("told", "code", "says"),
    [
        pytest.param({"REDIS_URL": "redis://127.0.0.1:1/0"}, 3, "REDIS_URL", id="a broker that does not answer"),
        pytest.param({"DATABASE_URL": "mysql://x"}, 2, "DATABASE_URL", id="a database of another kind"),
        pytest.param({"SEVEN_HOOK_TOKEN": "short"}, 2, "SEVEN_HOOK_TOKEN", id="a weak token"),
        pytest.param({"SEVEN_PORT": "http"}, 2, "SEVEN_PORT", id="a port that is none"),
        pytest.param({"SEVEN_DATA_DIR": "/dev/null/data"}, 2, "SEVEN_DATA_DIR", id="nowhere to keep anything"),
    ],
)
def test_what_cannot_start_says_why(fresh: CommandLine, told: dict[str, str], code: int, says: str):
    """What is wrong is named by its setting, and nobody is left running."""
    ended = fresh.run("up", **told)
    assert ended.returncode == code
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not fresh.left_over()


def test_a_misspelt_setting_is_named(fresh: CommandLine):
    """An unknown SEVEN_… name is said, with the nearest that is known."""
    ended = fresh.run("up", SEVEN_PROT="1", SEVEN_HOOK_TOKEN="short")
    assert "SEVEN_PROT" in ended.stderr
    assert "SEVEN_PORT" in ended.stderr


def _status(url: str) -> int:
    try:
        return httpx2.get(url, trust_env=False).status_code
    except httpx2.TransportError:
        return 0
