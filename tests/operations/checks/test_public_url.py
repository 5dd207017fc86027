"""Checks of the public URL, on a real receiver and on servers that may answer in its place."""

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


def examined(*public_urls: str, tokens: tuple[str, ...] = (TOKEN,)) -> list[Check]:
    addresses = Addresses(public_urls, tokens)
    return list(checks(visit(addresses), expiries(addresses), datetime.now(UTC)))


@pytest.fixture
def receiver(tmp_path: Path, redis_url: str) -> Iterator[Receiver]:
    receiver = Receiver(tmp_path, {"REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN})
    with running(receiver):
        yield receiver


def test_our_receiver(receiver: Receiver, ledger: Ledger):
    """It is good and stores nothing, and the check does not show the token."""
    (check,) = examined(receiver.url)
    assert check.grade is Grade.GOOD, check
    assert TOKEN not in repr(check)
    assert ledger.figures(["dlr", "parked"]).life is None


def test_each_url_and_each_token(receiver: Receiver):
    """A token that the receiver does not know is wrong, and so is a URL where nothing listens."""
    results = examined(receiver.url, f"http://127.0.0.1:{free_port()}", tokens=(TOKEN, OTHER))
    assert [check.grade for check in results] == [Grade.GOOD, Grade.WRONG, Grade.WRONG, Grade.WRONG]
    assert "does not know our token" in results[1].finding
    assert "nothing listens" in results[2].finding


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        pytest.param(lambda method, path: (301, "https://localhost/x"), "lost silently", id="301 to https"),
        pytest.param(lambda method, path: (302, "/login"), "lost silently", id="302 to a login"),
        pytest.param(lambda method, path: (307, path + "/"), "lost silently", id="307 to a slash"),
        pytest.param(lambda method, path: (308, path + "/"), "lost silently", id="308 to a slash"),
        pytest.param(
            lambda method, path: (200, "") if method == "GET" and TOKEN in path else (308, path + "/"),
            "lost silently",
            id="a redirect of other tokens",
        ),
        pytest.param(lambda method, path: (200, ""), "not our receiver", id="a page that answers everything"),
        pytest.param(
            lambda method, path: (200, "") if TOKEN in path else (404 if method == "GET" else 403, ""),
            "stops a POST: it answers 403",
            id="no POST",
        ),
        pytest.param(lambda method, path: (401, ""), "wants authentication", id="a password"),
        pytest.param(lambda method, path: (404, ""), "does not know our token", id="another receiver"),
        pytest.param(lambda method, path: (502, ""), "answers 502", id="a proxy before nothing"),
    ],
)
def test_other_servers(answer: Answer, finding: str):
    """Each is wrong, with a finding of its own and a remedy."""
    with run_web_server(answer) as url:
        (check,) = examined(url)
    assert (check.grade, finding in check.finding, bool(check.remedy)) == (Grade.WRONG, True, True), check
    assert TOKEN not in repr(check)


def like_our_receiver(method: str, path: str) -> tuple[int, str]:
    return (200 if TOKEN in path else 404), ""


@pytest.mark.parametrize(
    ("days", "grade"), [pytest.param(90, Grade.GOOD, id="for long"), pytest.param(7, Grade.WARNING, id="not for long")]
)
def test_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, grade: Grade):
    """A certificate that expires within two weeks gets a warning."""
    file = certificate(tmp_path, days)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with run_web_server(like_our_receiver, file) as url:
        visit_check, certificate_check = examined(url)
    assert (visit_check.grade, certificate_check.grade) == (Grade.GOOD, grade), (visit_check, certificate_check)


def test_an_untrusted_certificate(tmp_path: Path):
    """A self-signed certificate is wrong: the gateway would not trust it either."""
    with run_web_server(like_our_receiver, certificate(tmp_path, 90)) as url:
        (check,) = examined(url)
    assert (check.grade, "certificate" in check.finding) == (Grade.WRONG, True), check


def test_no_certificate():
    """A URL on the internet without TLS gets a warning, one on this machine does not."""
    with run_web_server(like_our_receiver) as url:
        (visited,) = visit(Addresses((url,), (TOKEN,)))
    results = checks([replace(visited, public_url="http://hooks.example.com")], {}, datetime.now(UTC))
    assert [check.grade for check in results] == [Grade.GOOD, Grade.WARNING]


def test_a_name_that_does_not_resolve():
    """Its finding differs from that of a server that is down."""
    check, *_ = examined("http://nowhere.invalid")
    assert (check.grade, "does not resolve" in check.finding) == (Grade.WRONG, True), check
