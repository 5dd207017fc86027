"""Receivers: the examples of docs/react.md verify what is signed, refuse what is not, and name topics that exist."""

import base64
import hashlib
import hmac
import json
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reactions import example
from reactions.change_data import fields_of
from seven.topics import expand
from tests.processes import ROOT

PAGE = (ROOT / "docs/react.md").read_text().partition("## Rather read?")[0]
FUNCTION, BY_PACKAGE, BY_HAND = re.findall(r"^ *```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
SECRET, OTHER = ("whsec_" + base64.b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))
BODY = example("message.failed").body()

Receive = Callable[[str, dict[str, str], bytes], Any]


def signed(*secrets: str, body: bytes = BODY, age_s: int = 0) -> dict[str, str]:
    """Headers as the specification of Standard Webhooks has them."""
    timestamp = str(int((datetime.now(UTC) - timedelta(seconds=age_s)).timestamp()))
    content = f"chg_1.{timestamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    digests = [base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys]
    signature = " ".join(f"v1,{digest}" for digest in digests)
    return {"webhook-id": "chg_1", "webhook-timestamp": timestamp, "webhook-signature": signature}


@pytest.fixture(params=["package", "hand"])
def receive(request: pytest.FixtureRequest) -> Receive:
    if request.param == "package":
        pytest.importorskip("standardwebhooks")
    scope: dict[str, Any] = {}
    exec({"package": BY_PACKAGE, "hand": BY_HAND}[request.param], scope)
    made: Receive = scope["receive"]
    return made


def test_receivers_accept_what_is_signed(receive: Receive):
    """With either secret while two are in use."""
    assert receive(SECRET, signed(SECRET), BODY) == json.loads(BODY)
    assert receive(SECRET, signed(OTHER, SECRET), BODY) == json.loads(BODY)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(signed(OTHER), BODY, id="another secret"),
        pytest.param({}, BODY, id="no headers"),
        pytest.param(signed(SECRET) | {"webhook-signature": "v1,\xfc"}, BODY, id="a signature beyond ASCII"),
        pytest.param({name: value for name, value in signed(SECRET).items() if name != "webhook-id"}, BODY, id="no id"),
        pytest.param(signed(SECRET), BODY + b" ", id="another body"),
        pytest.param(signed(SECRET, age_s=3600), BODY, id="recorded"),
        pytest.param(signed(SECRET, age_s=-3600), BODY, id="of the future"),
        pytest.param({**signed(SECRET), "webhook-id": "chg_2"}, BODY, id="another id"),
        pytest.param({**signed(SECRET), "webhook-signature": "v1,"}, BODY, id="no signature"),
    ],
)
def test_receivers_refuse_anything_else(receive: Receive, headers: dict[str, str], body: bytes):
    with pytest.raises(Exception) as refused:  # noqa: PT011 - each has its own
        receive(SECRET, headers, body)
    assert type(refused.value).__name__ in ("ValueError", "WebhookVerificationError")


def test_the_function_takes_a_change(capsys: pytest.CaptureFixture[str]):
    """As it stands on the page."""
    scope: dict[str, Any] = {}
    exec(re.sub(r"^ {3}", "", FUNCTION, flags=re.MULTILINE), scope)
    scope["open_ticket"](example("inbound.received"))
    assert "wrote 'Where is my parcel?'" in capsys.readouterr().out


def test_reactions_on_the_page_name_topics():
    """And `where` names fields that their data have."""
    blocks = re.findall(r"^ *```toml\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    reactions = [each for block in blocks for each in tomllib.loads(block)["reaction"]]
    assert [each["name"] for each in reactions] == ["tickets", "shop", "watchdog"]
    assert all(expand(each["on"]) for each in reactions)
    assert "recipient" in fields_of(expand(["inbound.*", "opt_out.*"]))
    assert "channel" in fields_of(expand(["inbound.*", "opt_out.*"]))
