"""Who may look: by a login, by a proxy's header, or from this machine alone; and what a browser may load."""

import re

import pytest
from starlette.responses import PlainTextResponse, Response

from console.guard import SECURITY_HEADERS
from console.page import Page, Visit
from console.settings import ConsoleSettings
from tests.console.conftest import ANNA, BEN, LOGINS, Visitor


async def show(visit: Visit) -> Response:
    return PlainTextResponse(f"{visit.viewer.name} {visit.viewer.sees_texts}")


async def receive(visit: Visit) -> Response:
    return PlainTextResponse(repr(await visit.form()))


WHO = (Page("/", "Who", show), Page("/form", "Form", receive, methods=("POST",)))


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        pytest.param({"peer": "192.0.2.7"}, {}, id="another machine"),
        pytest.param({"peer": "::ffff:192.0.2.7"}, {}, id="another machine, on an IPv6 socket"),
        pytest.param({"peer": ""}, {}, id="a Unix socket"),
        pytest.param({}, {"Host": "console.example.com"}, id="another host"),
        pytest.param({}, {"Host": "127.0.0.1.example.com"}, id="a host that begins like ours"),
        pytest.param({}, {"Host": "localhost@evil.example"}, id="a host with a user"),
        pytest.param({}, {"Host": "[::2]:8090"}, id="another IPv6 host"),
        pytest.param({}, {"Host": "["}, id="no host"),
        pytest.param({}, {"X-Forwarded-For": "127.0.0.1"}, id="X-Forwarded-For"),
        pytest.param({}, {"X-Forwarded-Anything": "x"}, id="X-Forwarded-Anything"),
        pytest.param({}, {"Forwarded": "for=127.0.0.1"}, id="Forwarded"),
        pytest.param({}, {"X-Real-IP": "127.0.0.1"}, id="X-Real-IP"),
        pytest.param({}, {"Via": "1.1 proxy"}, id="Via"),
        pytest.param({}, {"Host": "localhost", "Remote-User": "anna", "X-Forwarded-User": "anna"}, id="an unasked identity"),
    ],
)  # fmt: skip
def test_without_a_password_only_this_machine_may_look(
    visitor: Visitor, options: dict[str, str], headers: dict[str, str]
):
    """403 with a sentence for whatever does not come directly from here; for style sheets and probes, too."""
    client = visitor(**options)
    for path in ("/", "/static/console.css", "/livez", "/nowhere"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 403
        assert "SEVEN_CONSOLE_AUTH" in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8090", "LOCALHOST", "127.0.0.1:1", "[::1]", "[::1]:8090"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_sees_everything(visitor: Visitor, host: str, peer: str):
    """By each name of its own, and each address of the loopback interface."""
    assert visitor(peer=peer, pages=WHO).get("/", headers={"Host": host}).text == "local True"


def test_logins_say_who_sees_texts(visitor: Visitor):
    """From anywhere, by any host name, through any proxy; the third part decides on numbers and texts."""
    client = visitor(peer="192.0.2.7", pages=WHO, seven_console_auth=LOGINS)
    headers = {"Host": "console.example.com", "X-Forwarded-For": "198.51.100.1"}

    assert client.get("/", auth=ANNA, headers=headers).text == "anna True"
    assert client.get("/", auth=BEN, headers=headers).text == "ben False"


@pytest.mark.parametrize(
    "authorization", [None, "", "Basic", "Basic !", "Basic YW5uYQ==", "Bearer x", "Basic YW5uYTp3cm9uZw=="]
)
def test_no_or_a_wrong_login_is_asked_for_again(visitor: Visitor, authorization: str | None):
    """401 with a challenge for pages, style sheets and unknown addresses alike; the probe answers."""
    client = visitor(seven_console_auth=LOGINS)
    headers = {} if authorization is None else {"Authorization": authorization}
    for path in ("/", "/static/console.css", "/nowhere"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert client.get("/livez").status_code == 200


def test_a_trusted_proxy_names_who_looks(visitor: Visitor):
    """Masked unless named; the header of anybody else, a double one and an empty one do not count."""
    client_of = {
        peer: visitor(
            peer=peer, pages=WHO, seven_trusted_proxies="10.0.0.0/8", seven_console_identity_header="Remote-User",
            seven_console_texts_for="carla", seven_console_auth=LOGINS,
        )
        for peer in ("10.1.2.3", "192.0.2.7", "127.0.0.1")
    }  # fmt: skip
    forwarded = {"X-Forwarded-For": "198.51.100.1"}

    assert client_of["10.1.2.3"].get("/", headers={"Remote-User": "carla"} | forwarded).text == "carla True"
    assert client_of["10.1.2.3"].get("/", headers={"remote-user": "dora"}).text == "dora False"
    assert client_of["10.1.2.3"].get("/", headers=[("Remote-User", "carla"), ("Remote-User", "x")]).status_code == 401
    assert client_of["10.1.2.3"].get("/", headers={"Remote-User": " "}).status_code == 401
    for peer in ("192.0.2.7", "127.0.0.1"):
        headers = {"Remote-User": "carla", "X-Forwarded-For": "10.1.2.3"}
        assert client_of[peer].get("/", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost:8090"}, 200),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 200),
    ],
)
def test_forms_of_other_sites_are_refused(visitor: Visitor, headers: dict[str, str], status: int):
    """By what the browser says of the sender; a program that is no browser says nothing, and reads no cookies of others."""
    client = visitor(pages=WHO, seven_console_auth=LOGINS)
    answer = client.post("/form", data={"about": " +49 151 "}, headers=headers, auth=ANNA)

    assert answer.status_code == status
    assert answer.text == "{'about': '+49 151'}" or status == 403


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"a=1", "text/plain", 415),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(200)), "application/x-www-form-urlencoded", 400),
        (b"a=\xff", "application/x-www-form-urlencoded", 400),
    ],
)
def test_odd_forms_get_a_sentence(visitor: Visitor, content: bytes, content_type: str, status: int):
    """Whatever is sent, within bounds."""
    answer = visitor(pages=WHO).post("/form", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert "<h1>That cannot be shown</h1>" in answer.text


def test_every_answer_carries_the_policy(visitor: Visitor):
    """No inline script or style, nothing from elsewhere, no frame, no cache: of pages, refusals and errors alike."""
    client = visitor()
    answers = [client.get("/"), client.get("/nowhere"), client.get("/", headers={"Via": "x"}), client.get("/?hours=x")]
    assert [answer.status_code for answer in answers] == [200, 404, 403, 400]
    for answer in answers:
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(
            r"<style|style=|<script>|javascript:| on\w+=|[\"']//|https?://\w", answer.text
        ) or not answer.text.startswith("<")
    assert "unsafe" not in SECURITY_HEADERS["content-security-policy"]


@pytest.mark.parametrize(
    "logins",
    ["anna", "anna:short", ":long-password", "anna:long-password:all", "anna:long:password:texts", "a:long-pass,a:long-pass", ","],
)  # fmt: skip
def test_wrong_settings_are_refused(logins: str):
    """Each login is checked, and none is quoted."""
    with pytest.raises(ValueError, match="needs") as raised:
        ConsoleSettings(seven_console_auth=logins)  # type: ignore[arg-type]
    assert "long" not in str(raised.value)


def test_names_without_a_header_are_refused():
    """They would have no effect."""
    with pytest.raises(ValueError, match="SEVEN_CONSOLE_IDENTITY_HEADER"):
        ConsoleSettings(seven_console_texts_for="carla")  # type: ignore[arg-type]
