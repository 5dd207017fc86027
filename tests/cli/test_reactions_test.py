"""reactions test: an example reaches a target as a change would, and what keeps it from that is said plainly."""

from pathlib import Path

import pytest

from tests.cli.installation import CommandLine

SECRET = "whsec_" + "c2VjcmV0" * 5
HANDLERS = """
from pathlib import Path

def keep(change):
    with Path("{file}").open("a") as file:
        file.write(f"{{change.type}} {{change.sequence}} {{change.id}}\\n")

def fail(change):
    raise ValueError("hunter2")
"""


@pytest.fixture
def subscribed(installation: CommandLine) -> CommandLine:
    """A file of three reactions: a function that works, one that fails, and a server that is not there."""
    directory = installation.directory
    (directory / "handlers.py").write_text(HANDLERS.format(file=directory / "kept"))
    (directory / "secret").write_text(SECRET)
    port = installation.ports["EMULATOR_PORT"]
    file = directory / "reactions.toml"
    file.write_text(
        '[[reaction]]\nname = "works"\non = ["message.*", "heartbeat"]\ncall = "handlers:keep"\n'
        '[[reaction]]\nname = "fails"\non = ["inbound.received"]\ncall = "handlers:fail"\n'
        '[[reaction]]\nname = "away"\non = ["call.*"]\nsecret_file = "secret"\n'
        f'url = "http://127.0.0.1:{port}/seven?key=hunter2"\n'
    )
    installation.environment |= {"SEVEN_REACTIONS_FILE": str(file), "SEVEN_PUBLIC_URL": "https://example.com"}
    return installation


def test_a_function(subscribed: CommandLine):
    """With sequence 0, of its first topic or the one that is named; neither database nor Redis is needed."""
    first = subscribed.run("reactions", "test", "works")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("works accepted an example of heartbeat, in ")
    assert subscribed.run("reactions", "test", "works", "--topic", "message.failed").returncode == 0
    lines = (subscribed.directory / "kept").read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [["heartbeat", "0"], ["message.failed", "0"]]


@pytest.mark.parametrize(
    ("name", "reason"), [("fails", "ValueError"), ("away", "nothing listens"), ("away", "of call.received")]
)
def test_one_that_does_not_accept(subscribed: CommandLine, name: str, reason: str):
    """Exit code 1 and why, in our own words."""
    result = subscribed.run("reactions", "test", name)
    assert result.returncode == 1
    assert reason in result.stdout
    assert "hunter2" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nobody",), "The file has no reaction 'nobody'; it has works, fails, away."),
        (("works", "--topic", "call.received"), "works does not subscribe to call.received; but to heartbeat, message.delivered"),
    ],
)  # fmt: skip
def test_usage(subscribed: CommandLine, words: tuple[str, ...], sentence: str):
    result = subscribed.run("reactions", "test", *words)
    assert (result.returncode, sentence in result.stderr) == (2, True), result.stderr


def test_a_file_at_fault(subscribed: CommandLine):
    """Every fault, each with its reaction; and a file that is missing or not set."""
    file = Path(subscribed.environment["SEVEN_REACTIONS_FILE"])
    file.write_text('[[reaction]]\nname = "shop"\non = ["message.fialed"]\ncall = "nowhere:keep"\n')
    result = subscribed.run("reactions", "test", "shop")
    assert (result.returncode, "message.failed" in result.stderr, "nowhere" in result.stderr) == (2, True, True)
    file.unlink()
    assert subscribed.run("reactions", "test", "shop").returncode == 2
    del subscribed.environment["SEVEN_REACTIONS_FILE"]
    assert "SEVEN_REACTIONS_FILE is not set here" in subscribed.run("reactions", "test", "shop").stderr
