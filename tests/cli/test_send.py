"""send: one sample delivery, and what became of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seven.events import EVENT_TYPES
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN
from tests.processes import Receiver, running
from tests.servers import Valkey


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory, shared_valkey: Valkey) -> Iterator[CommandLine]:
    """An installation whose receiver runs, and is content only with what the gateway itself would send."""
    directory = tmp_path_factory.mktemp("sender")
    told = {
        "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_PUBLIC_URL": "https://hooks.example.com/seven, https://old.example.com",
        "SEVEN_SIGNING_KEY": "some-signing-key-0123,older", "SEVEN_SIGNATURE_MODE": "enforce",
        "SEVEN_HOOK_SECRET": "some-secret-of-hooks,older-secret", "SEVEN_HOOK_SECRET_MODE": "enforce",
    }  # fmt: skip
    receiver = Receiver(directory, told | {"REDIS_URL": shared_valkey.url, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        yield CommandLine(directory, SEVEN_PORT=str(receiver.port), **told)


@pytest.mark.parametrize(
    ("event_type", "method"),
    [*((event_type, "json") for event_type in EVENT_TYPES), ("dlr", "post"), ("dlr", "GET"), ("tracking", "post")],
)
def test_a_sample_of_every_kind_is_accepted(sender: CommandLine, event_type: str, method: str):
    """Every event type, in every request method: accepted, with its id and what to look at next."""
    answer = sender.answer("send", event_type, "--method", method)
    assert answer["outcome"] == "accepted"
    assert answer["status"] == 202
    assert answer["id"]
    assert answer["subject"]


def test_it_says_what_to_type_next(sender: CommandLine):
    """A changed field is sent, and the story of its record is one command away."""
    ended = sender.run("send", "dlr", "--set", "msg_id=4711", "--set", "status=DELIVERED")
    assert ended.returncode == 0
    assert ended.stdout.rstrip().endswith("trace 4711")


def test_what_is_not_understood_is_something_wrong(sender: CommandLine):
    """A parked delivery: exit code 1, with the field that is wrong."""
    assert sender.answer("send", "dlr", "--set", "msg_id=", code=1)["wrong"] == {"msg_id": "missing or empty"}
    ended = sender.run("send", "dlr", "--set", "msg_id=")
    assert "parked" in ended.stdout
    assert "msg_id" in ended.stdout


def test_a_stranger_is_told_so(sender: CommandLine):
    """A token that the receiver does not know: exit code 1."""
    ended = sender.run("send", "--url", f"http://127.0.0.1:{sender.environment['SEVEN_PORT']}/hooks/not-the-token")
    assert ended.returncode == 1
    assert "does not know this token" in ended.stdout


def test_a_receiver_that_is_not_there(sender: CommandLine):
    """Exit code 3, and how to start it; the URL, in which the token is, is not repeated."""
    ended = sender.run("send", SEVEN_PORT="1")
    assert ended.returncode == 3
    assert "seven-ingest up" in ended.stderr
    assert TOKEN not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("nonsense",), id="an unknown event type"),
        pytest.param(("--method", "put"), id="an unknown method"),
        pytest.param(("--set", "status"), id="a change without a value"),
        pytest.param(("--url", "localhost/hooks/x"), id="a URL without a scheme"),
    ],
)
def test_wrong_words_are_usage(sender: CommandLine, words: tuple[str, ...]):
    """Exit code 2, without a traceback."""
    ended = sender.run("send", *words)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_without_a_token_nothing_is_sent_nor_made(installation: CommandLine):
    """Only `up` makes a token: exit code 2, and how to come by one."""
    ended = installation.run("send")
    assert ended.returncode == 2
    assert "SEVEN_HOOK_TOKEN" in ended.stderr
    assert not list(Path(installation.directory).iterdir())
