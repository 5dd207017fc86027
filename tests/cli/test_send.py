"""send: sends a sample delivery, and prints its outcome."""

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
    """An installation whose running receiver enforces the gateway's signature and secret header."""
    directory = tmp_path_factory.mktemp("sender")
    settings = {
        "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_PUBLIC_URL": "https://hooks.example.com/seven, https://old.example.com",
        "SEVEN_SIGNING_KEY": "some-signing-key-0123,older", "SEVEN_SIGNATURE_MODE": "enforce",
        "SEVEN_HOOK_SECRET": "some-secret-of-hooks,older-secret", "SEVEN_HOOK_SECRET_MODE": "enforce",
    }  # fmt: skip
    receiver = Receiver(directory, settings | {"REDIS_URL": shared_valkey.url, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        yield CommandLine(directory, SEVEN_PORT=str(receiver.port), **settings)


@pytest.mark.parametrize(
    ("event_type", "method"),
    [*((event_type, "json") for event_type in EVENT_TYPES), ("dlr", "post"), ("dlr", "GET"), ("tracking", "post")],
)
def test_a_sample_of_every_kind_is_accepted(sender: CommandLine, event_type: str, method: str):
    """Every event type, in every request method, is accepted; the answer has its id and subject."""
    answer = sender.answer("send", event_type, "--method", method)
    assert answer["outcome"] == "accepted"
    assert answer["status"] == 202
    assert answer["id"]
    assert answer["subject"]


def test_it_prints_the_next_command(sender: CommandLine):
    """It sends a changed field, and prints the command that traces its record."""
    result = sender.run("send", "dlr", "--set", "msg_id=4711", "--set", "status=DELIVERED")
    assert result.returncode == 0
    assert result.stdout.rstrip().endswith("trace 4711")


def test_a_parked_delivery(sender: CommandLine):
    """Exit code 1, and the field that is wrong."""
    assert sender.answer("send", "dlr", "--set", "msg_id=", code=1)["wrong"] == {"msg_id": "missing or empty"}
    result = sender.run("send", "dlr", "--set", "msg_id=")
    assert "parked" in result.stdout
    assert "msg_id" in result.stdout


@pytest.mark.parametrize("words", [("--data", '{"x": {"y": null}}'), ("--set", "x=1"), ("--data", "{}")])
def test_an_event_type_without_a_sample(sender: CommandLine, words: tuple[str, ...]):
    """Any event type is sent as it is, with the content that is passed; what is not understood is parked: exit code 1."""
    answer = sender.answer("send", "mms_typing", *words, code=1)
    assert (answer["event_type"], answer["status"], answer["outcome"]) == ("mms_typing", 202, "parked")
    assert "dead show" in sender.run("send", "mms_typing", *words).stdout


def test_whole_data(sender: CommandLine):
    """--data replaces the sample and keeps JSON's types, --set changes a field of it."""
    answer = sender.answer("send", "dlr", "--data", '{"msg_id": 4711, "status": null}', "--set", "status=DELIVERED")
    assert (answer["outcome"], answer["subject"]) == ("accepted", "4711")
    assert sender.answer("send", "dlr", "--data", '{"msg_id": 4711}', code=1)["wrong"] == {"status": "missing or empty"}


@pytest.mark.parametrize("method", ["json", "post", "get"])
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("dlr", "--set", "foreign_id=a\udcffb"), id="a byte that is no UTF-8"),
        pytest.param(
            ("dlr", "--data", r'{"msg_id": "1", "status": "SENT", "foreign_id": "\ud800"}'), id="half a character"
        ),
    ],
)
def test_text_that_is_not_unicode(sender: CommandLine, words: tuple[str, ...], method: str):
    """It is sent in every request method, and accepted."""
    assert sender.answer("send", *words, "--method", method)["outcome"] == "accepted"


def test_an_event_type_that_is_not_unicode(sender: CommandLine):
    """It is parked as any that is not known: exit code 1, and a line that any terminal can show."""
    for method in ("json", "post", "get"):
        result = sender.run("send", "mms\udcff", "--set", "x=1", "--method", method)
        assert (result.returncode, result.stderr) == (1, "")
        assert "parked" in result.stdout


def test_without_a_database_it_says_nothing_of_repeats(sender: CommandLine):
    """Only rows show whether a delivery was a repeat."""
    answer = sender.answer("send")
    assert (answer["repeat"], answer["repeat_of"]) == (None, None)
    assert "repeat" not in sender.run("send").stdout


def test_an_unknown_token(sender: CommandLine):
    """Exit code 1, and a sentence about the token."""
    result = sender.run("send", "--url", f"http://127.0.0.1:{sender.environment['SEVEN_PORT']}/hooks/not-the-token")
    assert result.returncode == 1
    assert "does not know this token" in result.stdout


def test_the_receiver_is_away(sender: CommandLine):
    """Exit code 3, and the command that starts it, without the URL, which contains the token."""
    result = sender.run("send", SEVEN_PORT="1")
    assert result.returncode == 3
    assert "seven-ingest up" in result.stderr
    assert TOKEN not in result.stdout + result.stderr


def test_a_url_is_away(sender: CommandLine):
    """Exit code 3, and no advice about the receiver here, which --url does not mean."""
    result = sender.run("send", "--url", f"http://127.0.0.1:1/hooks/{TOKEN}")
    assert result.returncode == 3
    assert "did not answer" in result.stderr
    assert not [word for word in ("SEVEN_RECEIVER_URL", "seven-ingest up", TOKEN) if word in result.stderr]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("nonsense",), id="an event type without a sample"),
        pytest.param(("",), id="no event type"),
        pytest.param(("dlr", "--data", "[]"), id="data that is no object"),
        pytest.param(("dlr", "--data", "{"), id="data that is no JSON"),
        pytest.param(("--method", "put"), id="an unknown method"),
        pytest.param(("--set", "status"), id="a change without a value"),
        pytest.param(("--url", "localhost/hooks/x"), id="a URL without a scheme"),
    ],
)
def test_usage_errors(sender: CommandLine, words: tuple[str, ...]):
    """Exit code 2, without a traceback."""
    result = sender.run("send", *words)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_without_a_token_it_sends_nothing(installation: CommandLine):
    """Exit code 2, and how to get a token: only `up` creates one."""
    result = installation.run("send")
    assert result.returncode == 2
    assert "SEVEN_HOOK_TOKEN" in result.stderr
    assert not list(Path(installation.directory).iterdir())


def test_it_reaches_the_receiver_where_status_does(sender: CommandLine, tmp_path: Path):
    """In compose the receiver is on another host: SEVEN_RECEIVER_URL names it for `send` as well."""
    port = sender.environment["SEVEN_PORT"]
    elsewhere = {"SEVEN_PORT": "1", "SEVEN_RECEIVER_URL": f"http://127.0.0.1:{port}/"}
    answer = CommandLine(tmp_path, **sender.environment | elsewhere).answer("send", "dlr")
    assert (answer["outcome"], answer["status"]) == ("accepted", 202)
