"""simulate, and repeats of send: traffic for a running installation, followed to its rows."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cli.scenario import ScenarioPlayer
from seven.events import EVENT_TYPES
from tests import processes
from tests.cli.installation import CommandLine
from tests.cli.web_server import run_web_server
from tests.conftest import TOKEN
from tests.emulator.emulator_process import run_emulator
from tests.emulator.stub_receiver import run_receiver
from tests.processes import Receiver, worker
from tests.servers import valkey

pytestmark = pytest.mark.duration(12)  # of all together: most share one installation


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, migrated_data: Path) -> Iterator[CommandLine]:
    """A running installation with an emulator as its gateway; `up`, which has more processes, has tests of its own."""
    directory = tmp_path_factory.mktemp("installation")
    shutil.copytree(migrated_data, directory / "data")
    with valkey(tmp_path_factory.mktemp("valkey")) as server, run_emulator() as emulator:
        environment = {
            "REDIS_URL": server.url, "DATABASE_URL": f"sqlite:///{directory / 'data/seven.db'}",
            "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off",
        }  # fmt: skip
        receiver = Receiver(directory, environment)
        addresses = {"SEVEN_PORT": str(receiver.port), "EMULATOR_PORT": emulator.url.rpartition(":")[2]}
        with processes.running(receiver, worker(directory, environment)):
            emulator.subscribe(target_url=f"{receiver.url}/hooks/{TOKEN}")
            yield CommandLine(directory, **environment, **addresses)


def test_it_waits_until_all_is_in_the_database(running: CommandLine):
    """It says what was played and what became of it, and both are what the tables hold, with three messages by RCS."""
    before = {table: running.count(table) for table in ("deliveries", "messages", "calls", "links", "inbound_messages")}
    answer = running.answer("simulate", "--messages", "20")
    added = {table: running.count(table) - number for table, number in before.items()}
    assert set(answer["events"]) == set(EVENT_TYPES)
    assert answer["outcomes"] == {"applied": answer["deliveries"]} == {"applied": added["deliveries"]}
    assert answer["repeats"] == answer["deliveries"] - sum(answer["events"].values()) > 0
    assert answer["messages"] == {"delivered": 16 + 3, "failed": 4}
    assert (added["messages"], added["calls"]) == (20 + 3, sum(answer["calls"].values()))
    assert (added["links"], added["inbound_messages"]) == (answer["links"], answer["inbound_messages"])
    assert answer["failure"] is None
    assert sorted(answer) == sorted(
        [
            "scenario",
            "seed",
            "events",
            "deliveries",
            "outcomes",
            "repeats",
            "late",
            "unreported",
            "dropped",
            "messages",
            "calls",
            "inbound_messages",
            "links",
            "failure",
        ]
    )


def test_dropped_webhooks_are_left_to_the_journal(running: CommandLine):
    """A share of them never comes; the answer has how many, and names the command that finds them."""
    answer = running.answer("simulate", "--messages", "20", "--seed", "3", "--drop", "0.5")
    assert answer["failure"] is None
    assert answer["dropped"] > 20
    result = running.run("simulate", "--messages", "20", "--seed", "3", "--drop", "0.5")
    assert result.returncode == 0
    assert f"{answer['dropped']} webhooks never came" in result.stdout
    assert "backfill --dry-run" in result.stdout
    assert "--messages 20 --seed 3 --drop 0.5" in result.stdout
    assert running.run("simulate", "--drop", "30").returncode == 2


def test_each_has_a_new_seed_unless_it_is_passed(running: CommandLine):
    """The same seed repeats a scenario, which adds no record; the command for that is printed."""
    first, second = (running.answer("simulate", "--messages", "1")["seed"] for _ in range(2))
    assert first != second
    messages = running.count("messages")
    result = running.run("simulate", "--messages", "1", "--seed", str(first))
    assert result.returncode == 0
    assert running.count("messages") == messages
    assert "merged" in result.stdout
    assert f"simulate --messages 1 --seed {first}" in result.stdout


def test_an_empty_scenario(running: CommandLine):
    """Nothing is played, and nothing is wrong."""
    answer = running.answer("simulate", "--messages", "0")
    assert (answer["deliveries"], answer["events"], answer["outcomes"]) == (0, {}, {})
    assert running.run("simulate", "--messages", "0").returncode == 0


@pytest.mark.parametrize("event_type", ["dlr", "coined_tomorrow"])
def test_send_says_when_it_was_a_repeat(running: CommandLine, event_type: str):
    """Not the first time, and then each time, with the first delivery of that content, applied or parked."""
    words = (
        "send",
        event_type,
        "--data",
        '{"msg_id": "4711", "status": "DELIVERED", "timestamp": "2026-05-01 10:00:00"}',
    )
    code = int(event_type != "dlr")
    first = running.answer(*words, code=code)
    assert (first["repeat"], first["repeat_of"]) == (False, None)
    for method in ("json", "post", "get"):
        repeat = running.answer(*words, "--method", method, code=code)
        assert (repeat["repeat"], repeat["repeat_of"]) == (True, first["id"])
    assert f"the same content came as {first['id']}" in running.run(*words).stdout


@pytest.mark.parametrize(
    ("status", "program", "stalled", "reason"),
    [
        pytest.param(202, "worker", True, "0 of 20 deliveries are in the database so far, and 20 were accepted", id="accepted"),
        pytest.param(404, "emulator", False, "20 of 20 deliveries were not accepted: hook 1 was answered 404", id="refused"),
    ],
)  # fmt: skip
def test_what_does_not_arrive_is_given_up(engine: Engine, status: int, program: str, stalled: bool, reason: str):
    """Without progress it ends with the reason, and the program whose log has details."""
    with run_receiver() as receiver, run_emulator() as emulator:
        receiver.answer = lambda request: status
        emulator.subscribe(target_url=receiver.url)
        request = {"messages": 2, "seed": 1, "duplicates": 0}
        played = asyncio.run(ScenarioPlayer(engine, emulator.url).play(request, 2, lambda done, total: None))
    assert played.failure
    assert (played.failure.program, played.failure.stalled) == (program, stalled)
    assert reason in played.failure.reason


def test_an_account_is_left_alone(installation: CommandLine):
    """With a real account exit code 2, and nothing is played."""
    result = installation.run("simulate", SEVEN_API_KEY="not-a-real-key")
    assert (result.returncode, result.stdout) == (2, "")
    assert "SEVEN_API_KEY is set" in result.stderr


def test_without_an_emulator(installation: CommandLine):
    """Exit code 3, and the command that starts one; so it is if something else answers there."""
    assert installation.run("migrate").returncode == 0
    result = installation.run("simulate")
    assert (result.returncode, result.stdout) == (3, "")
    assert "it does not answer" in result.stderr
    assert "seven-ingest up`" in result.stderr
    with run_web_server(lambda method, path: (200, "")) as url:
        result = installation.run("simulate", EMULATOR_PORT=url.rpartition(":")[2])
    assert (result.returncode, "no emulator" in result.stderr) == (3, True)


@pytest.mark.parametrize(
    "words", [("--messages", "-1"), ("--messages", "many"), ("--seed", "-1"), ("--seed", "4294967296")]
)
def test_usage_errors(installation: CommandLine, words: tuple[str, ...]):
    """Exit code 2."""
    assert installation.run("simulate", *words).returncode == 2
