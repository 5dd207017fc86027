"""What the runbook says of reactions: its commands exist and work, and changes of the installation include the service."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.cli.installation import CommandLine
from tests.deploy import runbook
from tests.deploy.test_runbook import SERVICES, run
from tests.factories.changes import write
from tests.processes import dispatcher, running
from tests.servers import eventually

PAGES = "".join((runbook.INSTALL.parent / page).read_text() for page in ("README.md", "operate.md", "alerts.md"))
FORMS = (
    r"(?:seven-ingest|docker compose run --rm cli|docker\s+compose exec reactions seven-ingest) (reactions [^`#|&\n]+)"
)
COMMANDS = sorted({match.strip().replace("NAME", "shop") for match in re.findall(FORMS, PAGES)})


def test_the_runbook_has_commands():
    """What is run below is what the pages say; more may come."""
    assert {command.split()[1] for command in COMMANDS} == {"list", "show", "test", "retry", "skip", "pause", "resume"}


@pytest.fixture
def subscribed(engine: Engine, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[CommandLine]:
    """An installation with a subscriber that has been sent a change."""
    shop = Subscriber("shop")
    with serving(shop):
        settings = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_METRICS_ADDRESS": "off"}
        settings["SEVEN_REACTIONS_FILE"] = str(write_file(tmp_path, shop))
        with running(dispatcher(tmp_path, settings)):
            begin(engine)
            write(
                engine,
                [[("dlr", {"msg_id": "1", "status": "DELIVERED", "timestamp": int(time.time())})]],
                sent_at=datetime.now(UTC),
            )
            eventually(lambda: shop.received)
            installation = CommandLine(tmp_path, **settings)
            yield installation


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_each_command_works(subscribed: CommandLine):
    """As it is written, on a subscriber of that name; those that ask are answered."""
    for command in COMMANDS:
        asks = command.split()[1] in ("retry", "skip") and "--dry-run" not in command
        result = subscribed.run(*command.split(), *(["--yes"] if asks else []))
        expected = (0, 1) if command.endswith("list") else (0,)  # 1: another command has paused it
        assert result.returncode in expected, (command, result.stdout, result.stderr)


RUNNING = f"{SERVICES} reactions"


def test_an_upgrade_ends_with_it():
    """It is replaced after the workers, where it runs; and not created where it does not."""
    commands = run("an upgrade that refuses nothing", "one", RUNNING)
    assert commands[-1] == "compose up -d --wait beat flower reactions"
    assert commands.index("compose up -d --wait --scale worker=1 worker") < len(commands) - 1
    assert not [words for words in run("an upgrade that refuses nothing", "one") if "reactions" in words]


def test_a_changed_secret_reaches_it():
    """It reads our secrets when it starts, as workers and Flower do; what does not run is not created."""
    recreate = "compose up -d --wait --force-recreate worker beat flower"
    assert run("a changed secret", "one", RUNNING)[-1] == f"{recreate} reactions"
    assert run("a changed secret", "one")[-1] == recreate


def test_a_changed_file_is_tried_first():
    """A file with a fault is not what it is restarted with."""
    (change,) = [script for script in runbook.scripts(runbook.OPERATE, "Notify your systems") if "restart" in script]
    assert re.fullmatch(r"docker compose exec reactions .+ test \w+ && docker compose restart reactions\n", change)


def test_it_is_stopped_while_a_database_is_restored():
    """It would write its subscribers into tables that are being restored."""
    restore = runbook.scripts(runbook.OPERATE, "Back up and restore")[1]
    assert restore.startswith("docker compose stop ")
    assert "reactions" in restore.splitlines()[0].split()
