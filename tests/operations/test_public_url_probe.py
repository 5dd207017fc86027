"""The scheduled probe of the public URL: one result for all workers, and only while it says how things are now."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.factory import Account
from ledger.client import Ledger
from operations.public_url_probe import PublicUrlMetrics, public_url_probe
from tests.cli.web_server import Answer, certificate, run_web_server
from tests.conftest import TOKEN

HOUR_S = 3600.0
UP = "seven_public_url_up"
PROBED = "seven_public_url_last_probe_timestamp_seconds"
EXPIRY = "seven_public_url_certificate_expiry_timestamp_seconds"
KEY = "seven:public_url:*"


def ours(method: str, path: str) -> tuple[int, str]:
    return (200 if method == "GET" and TOKEN in path else 404, "")


def account(*urls: str, api_url: str = "https://gateway.example/api") -> Account:
    return Account(api_url, "a-key", urls, (TOKEN,))


def exported(ledger: Ledger, account: Account, every_s: float = HOUR_S) -> dict[str, float]:
    metrics = PublicUrlMetrics(public_url_probe(ledger, account, every_s)).collect()
    return {sample.name: sample.value for metric in metrics for sample in metric.samples}


def probe(ledger: Ledger, account: Account, every_s: float = HOUR_S) -> None:
    scheduled = public_url_probe(ledger, account, every_s)
    assert scheduled
    scheduled.run()


@pytest.mark.parametrize(
    ("answer", "up"),
    [
        pytest.param(ours, 1, id="our receiver"),
        pytest.param(lambda method, path: (502, ""), 0, id="a proxy before nothing"),
        pytest.param(lambda method, path: (200, ""), 0, id="a page that answers everything"),
        pytest.param(lambda method, path: (301, "https://localhost/x"), 0, id="a redirect"),
    ],
)
def test_the_metric_says_what_answers(ledger: Ledger, answer: Answer, up: float):
    """1 only where a receiver of this installation answers; the result has neither token nor URL in it."""
    with run_web_server(answer) as url:
        assert exported(ledger, account(url)) == {PROBED: 0}
        probe(ledger, account(url))
        figures = exported(ledger, account(url))

    assert figures.pop(PROBED) > 0
    assert figures == {UP: up}
    (key,) = ledger.redis.keys(KEY)
    assert TOKEN.encode() not in key + (ledger.redis.get(key) or b"")
    assert url.encode() not in key + (ledger.redis.get(key) or b"")
    assert 0 < ledger.redis.ttl(key) <= 86_400


def test_the_certificate_is_exported(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A trusted certificate's end is exported; one that nobody trusts is a URL that is down."""
    with run_web_server(ours, made := certificate(tmp_path, days=40)) as url:
        probe(ledger, account(url))
        assert exported(ledger, account(url))[UP] == 0
        assert EXPIRY not in exported(ledger, account(url))
        ledger.redis.delete(*ledger.redis.keys(KEY))
        monkeypatch.setenv("SSL_CERT_FILE", str(made))
        probe(ledger, account(url))
        figures = exported(ledger, account(url))

    expires_in = datetime.fromtimestamp(figures[EXPIRY], UTC) - datetime.now(UTC)
    assert timedelta(days=38) < expires_in < timedelta(days=42)
    assert figures[UP] == 1


def test_nothing_is_exported_where_nothing_is_probed(ledger: Ledger):
    """No URL, no token, the emulator on this machine, or SEVEN_PROBE_S=0."""
    url = "https://hooks.example"
    for silent in (account(), replace(account(url), tokens=()), account(url, api_url="http://127.0.0.1:8077/api")):
        assert exported(ledger, silent) == {}
    assert exported(ledger, account(url), every_s=0) == {}


@pytest.mark.parametrize(
    "age_h", [pytest.param(4, id="overdue"), pytest.param(-1, id="of the future: Redis' clock was set back")]
)
def test_only_a_current_result_is_exported(ledger: Ledger, age_h: int):
    """Another says nothing of now; the time of that probe remains, and the next one replaces it."""
    with run_web_server(ours) as url:
        probe(ledger, account(url))
        (key,) = ledger.redis.keys(KEY)
        result = json.loads(ledger.redis.get(key) or b"")
        ledger.redis.set(key, json.dumps(result | {"at_ms": result["at_ms"] - age_h * 3_600_000}))

        assert exported(ledger, account(url)) == {PROBED: pytest.approx(result["at_ms"] / 1000 - age_h * HOUR_S)}
        probe(ledger, account(url))
        assert exported(ledger, account(url))[UP] == 1


def test_workers_that_start_together_probe_once(ledger: Ledger):
    """A probe within half the interval of the last one sends no request; a later one does."""
    visits: list[str] = []

    def count(method: str, path: str) -> tuple[int, str]:
        visits.append(path)
        return ours(method, path)

    with run_web_server(count) as url:
        for _ in range(3):
            probe(ledger, account(url))
        assert len(visits) == 3  # our token, and an unknown one twice
        probe(ledger, account(url), every_s=1e-6)
        assert len(visits) == 6


def test_an_unreadable_result_counts_as_none(ledger: Ledger):
    """What another version wrote is probed anew."""
    with run_web_server(ours) as url:
        probe(ledger, account(url))
        (key,) = ledger.redis.keys(KEY)
        ledger.redis.set(key, b'{"other": 1}')
        assert exported(ledger, account(url)) == {PROBED: 0}
        probe(ledger, account(url))
        assert exported(ledger, account(url))[UP] == 1
