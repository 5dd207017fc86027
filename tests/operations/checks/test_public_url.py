"""doctor: whether the public URL is our receiver, asked of a real one and of all that may stand in its place."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.client import Ledger
from operations.checks.check import Check, Grade
from operations.checks.public_url import checks, expiries, visit
from seven.hooks import Addresses
from tests.cli.web_server import Answer, certificate, run_web_server
from tests.conftest import TOKEN
from tests.processes import Receiver, running
from tests.servers import free_port

OTHER = "other-" + TOKEN


def asked(*public_urls: str, tokens: tuple[str, ...] = (TOKEN,)) -> list[Check]:
    addresses = Addresses(public_urls, tokens)
    return list(checks(visit(addresses), expiries(addresses), datetime.now(UTC)))


@pytest.fixture
def receiver(tmp_path: Path, redis_url: str) -> Iterator[Receiver]:
    receiver = Receiver(tmp_path, {"REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN})
    with running(receiver):
        yield receiver


def test_our_receiver(receiver: Receiver, ledger: Ledger):
    """It is good, it stores nothing, and the token is not in what is said."""
    (one,) = asked(receiver.url)
    assert one.grade is Grade.GOOD, one
    assert TOKEN not in repr(one)
    assert ledger.figures(["dlr", "parked"]).life is None


def test_each_url_and_each_token(receiver: Receiver):
    """A token that the receiver does not know is wrong, the others are not."""
    found = asked(receiver.url, f"http://127.0.0.1:{free_port()}", tokens=(TOKEN, OTHER))
    assert [one.grade for one in found] == [Grade.GOOD, Grade.WRONG, Grade.WRONG, Grade.WRONG]
    assert "does not know our token" in found[1].finding
    assert "nobody listens" in found[2].finding


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(lambda method, path: (301, "https://localhost/x"), "lost without a word", id="301 to https"),
        pytest.param(lambda method, path: (302, "/login"), "lost without a word", id="302 to a login"),
        pytest.param(lambda method, path: (307, path + "/"), "lost without a word", id="307 to a slash"),
        pytest.param(lambda method, path: (308, path + "/"), "lost without a word", id="308 to a slash"),
        pytest.param(
            lambda method, path: (200, "") if method == "GET" and TOKEN in path else (308, path + "/"),
            "lost without a word",
            id="a redirect of others only",
        ),
        pytest.param(lambda method, path: (200, ""), "not our receiver", id="a page that answers everything"),
        pytest.param(
            lambda method, path: (200, "") if TOKEN in path else (404 if method == "GET" else 403, ""),
            "stops a POST: it answers 403",
            id="no POST",
        ),
        pytest.param(lambda method, path: (401, ""), "asks who comes", id="a password before it"),
        pytest.param(lambda method, path: (404, ""), "does not know our token", id="another receiver"),
        pytest.param(lambda method, path: (502, ""), "answers 502", id="a proxy before nobody"),
    ],
)
def test_what_is_not_our_receiver(answer: Answer, said: str):
    """Each is wrong, is told apart, and has a cure."""
    with run_web_server(answer) as url:
        (one,) = asked(url)
    assert (one.grade, said in one.finding, bool(one.remedy)) == (Grade.WRONG, True, True), one
    assert TOKEN not in repr(one)


def ours(method: str, path: str) -> tuple[int, str]:
    return (200 if TOKEN in path else 404), ""


@pytest.mark.parametrize(
    ("days", "grade"), [pytest.param(90, Grade.GOOD, id="for long"), pytest.param(7, Grade.WARNING, id="not for long")]
)
def test_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, grade: Grade):
    """One that expires within two weeks is warned of."""
    made = certificate(tmp_path, days)
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    with run_web_server(ours, made) as url:
        visited, expiring = asked(url)
    assert (visited.grade, expiring.grade) == (Grade.GOOD, grade), (visited, expiring)


def test_a_certificate_of_nobody(tmp_path: Path):
    """The gateway would not trust it either."""
    with run_web_server(ours, certificate(tmp_path, 90)) as url:
        (one,) = asked(url)
    assert (one.grade, "certificate" in one.finding) == (Grade.WRONG, True), one


def test_no_certificate_at_all():
    """A URL of the open internet without TLS is warned of; one of this machine is not."""
    with run_web_server(ours) as url:
        (visited,) = visit(Addresses((url,), (TOKEN,)))
    found = checks([replace(visited, public_url="http://hooks.example.com")], {}, datetime.now(UTC))
    assert [one.grade for one in found] == [Grade.GOOD, Grade.WARNING]


def test_a_name_that_leads_nowhere():
    """It is told apart from a server that is down."""
    one, *_ = asked("http://nowhere.invalid")
    assert (one.grade, "name" in one.finding) == (Grade.WRONG, True), one
