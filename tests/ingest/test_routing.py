"""Routing: hooks are served below the public URL's own path, whether or not the proxy strips it."""

import time
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from ingest.application import create_app
from ingest.routing import prefixes
from ingest.settings import IngestSettings
from ledger.client import Ledger
from seven.signing import signature_headers
from tests.conftest import TOKEN
from tests.ingest.conftest import accepted

BODY = b'{"data":{"msg_id":"7","status":"DELIVERED"},"webhook_event":"dlr"}'
KEY = "the-signing-key-of-the-account"
URLS = "https://hooks.example.com/sms, https://old.example.com/a%20b/hooks, https://bare.example.com"

Start = Callable[..., TestClient]


def test_the_longest_prefix_comes_first():
    """So a prefix that itself ends in `hooks` is not taken for the path of the hooks."""
    assert prefixes(["https://x/a/", "https://y/long/one", "https://z"]) == ("/long/one", "/a", "")
    assert prefixes([]) == ("",)


@pytest.mark.parametrize("prefix", ["", "/sms", "/a%20b/hooks"])
@pytest.mark.parametrize("rest", ["", "/", "/dlr", "/dlr/"])
def test_hooks_are_served_below_each_public_url(receiver: Start, ledger: Ledger, prefix: str, rest: str):
    """Passed on or stripped, the path of a public URL leads to the same hooks."""
    answer = receiver(seven_public_url=URLS).post(f"{prefix}/hooks/{TOKEN}{rest}", content=BODY)
    assert (answer.status_code, list(accepted(ledger))) == (202, [answer.json()["id"]])


@pytest.mark.parametrize("path", ["/other/hooks/{}", "/sms/sms/hooks/{}", "/sms/{}", "/smshooks/{}", "/sms/hooks"])
def test_any_other_path_is_404(receiver: Start, ledger: Ledger, path: str):
    """An unknown path gets the same 404 below a prefix as without one."""
    answer = receiver(seven_public_url=URLS).post(path.format(TOKEN), content=BODY)
    assert (answer.status_code, answer.text, accepted(ledger)) == (404, "Not Found", {})


@pytest.mark.parametrize("path", ["/livez", "/sms/livez"])
def test_probes_are_served_below_each_public_url(receiver: Start, path: str):
    """`doctor` advises to open them at the public URL."""
    assert receiver(seven_public_url=URLS).get(path).status_code == 200


@pytest.mark.parametrize(
    ("public", "passed"),
    [
        ("https://hooks.example.com/sms", "/sms"),
        ("https://hooks.example.com/sms", ""),
        ("https://hooks.example.com/sms", "/%73ms"),
        ("https://old.example.com/a%20b/hooks", "/a%20b/hooks"),
        ("https://old.example.com/a%20b/hooks", ""),
    ],
)
def test_a_signature_is_valid_with_and_without_the_prefix(receiver: Start, ledger: Ledger, public: str, passed: str):
    """The gateway signs the registered URL; a proxy may have stripped its path."""
    client = receiver(seven_public_url=URLS, seven_signing_key=KEY, seven_signature_mode="enforce")
    registered = f"{public}/hooks/{TOKEN}/dlr"
    signed = signature_headers(
        KEY, timestamp=str(int(time.time())), nonce="n" * 32, method="POST", url=registered, body=BODY
    )
    assert client.post(f"{passed}/hooks/{TOKEN}/dlr", content=BODY, headers=signed).status_code == 202


@pytest.mark.parametrize("path", ["/hooks/{}", "/sms/hooks/{}", "/sms/sms/hooks/{}"])
def test_a_root_path_changes_nothing(redis_url: str, ledger: Ledger, path: str):
    """Uvicorn prepends its --root-path to the request's path."""
    settings = IngestSettings(
        redis_url=redis_url, seven_hook_token=TOKEN, seven_metrics_address="off", seven_public_url=URLS
    )
    with TestClient(create_app(settings), root_path="/sms", follow_redirects=False) as client:
        assert client.post(path.format(TOKEN), content=BODY).status_code == 202
