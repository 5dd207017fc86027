"""Handles: a viewer without texts reads no number, short URL or digest of a number in any form, and can still go on."""

import html
import re
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from console.handles import MOST, Handles, Use
from operations.record_lists import LISTS
from seven.digest import short_digest
from seven.record import Record
from seven.records import Call, InboundMessage, MissedWebhook, OptOut, TrackedLink
from store.row_writer import Store
from tests.console.conftest import ANNA, BEN
from tests.console.visits import forms, link
from tests.factories.envelopes import NOW

ROWS = 60
"""More than a page has."""
OURS = "4930123000"


def person(number: int) -> str:
    return f"49151600{number:05}"


def records(number: int) -> list[Record]:
    """What one person left, where the gateway sent no ids."""
    at, caller, digest = NOW - timedelta(seconds=number), person(number), short_digest(person(number), OURS)
    return [
        OptOut(number=caller, recipient=OURS, channel="sms", since=at, state="out", word="stop", inbound_id=digest),
        InboundMessage(id=digest, sender=caller, recipient=OURS, text="stop", sent_at=at, channel="sms"),
        Call(direction="inbound", call_id=digest, caller=caller, recipient=OURS, started_at=at),
        TrackedLink(sms_id=f"77{number}", tracking_url=f"https://ul.gl/{caller}", clicks=1, first_at=at, last_at=at),
    ]


@pytest.fixture
def people(engine: Engine) -> list[str]:
    """What of each person no page may hold: the number, with what contains it, and its digest."""
    Store(engine).write(record for number in range(ROWS) for record in records(number))
    return [secret for number in range(ROWS) for secret in (person(number), short_digest(person(number), OURS))]


@pytest.mark.parametrize("name", ["opt-outs", "inbound", "calls", "links"])
def test_no_form_holds_what_is_masked(client: TestClient, people: list[str], name: str):
    """On no page of a list, nor in its CSV; each page leads to the next one, and to the story of each of its rows."""
    client.auth = httpx2.BasicAuth(*BEN)
    pages: list[str] = []
    stories: set[str] = set()
    address: str | None = f"/{name}"
    while address:
        pages.append(client.get(address).text)
        stories |= {fields["term"] for _, fields in forms(pages[-1]) if "term" in fields}
        address = link(pages[-1], "Older")
    assert len(pages) >= 2
    assert sum(len(re.findall('<tr role="row">', page)) - 1 for page in pages) >= ROWS
    seen = [*pages, client.get(f"/{name}.csv").text]
    if name in ("inbound", "calls"):
        assert len(stories) >= ROWS
        opened = [client.post("/look-up", data={"term": term}).text for term in sorted(stories)[:3]]
        assert all("How it stands" in story for story in opened)
        seen += opened
    text = html.unescape("".join(seen))
    assert not [secret for secret in people if secret in text]


def test_a_position_in_plain_text_is_not_taken(client: TestClient, people: list[str]):
    """A number would be found by asking for what follows others, and would stand in a URL."""
    plain = LISTS["opt-outs"]
    after = f'["{(NOW - timedelta(seconds=9)).isoformat()}", "{person(9)}", "{OURS}", "sms"]'
    assert plain.cursor(after)
    for login in (ANNA, BEN):
        client.auth = httpx2.BasicAuth(*login)
        answer = client.get("/opt-outs", params={"after": after})
        assert answer.status_code == 400
        assert "This link is too old. Start again with the first page of the list." in answer.text
        assert link(answer.text, "Back to the latest") == "/opt-outs"


def test_a_position_is_nothing_to_look_up(client: TestClient, people: list[str]):
    """It holds the number of a row, which a story of it would show; nor does the story of one viewer open for another."""
    client.auth = httpx2.BasicAuth(*BEN)
    older = link(client.get("/opt-outs").text, "Older") or ""
    handle = older.rpartition("=")[2]
    assert client.get(older).status_code == 200
    for answer in (client.post("/look-up", data={"term": handle}), client.get("/look-up", params={"of": handle})):
        assert answer.status_code == 410
        assert not [secret for secret in people if secret in answer.text]
    story = client.post("/look-up", data={"term": "0151 60000001"}).url
    assert client.get(story).status_code == 200
    client.auth = httpx2.BasicAuth(*ANNA)
    assert client.get(story).status_code == 410


def test_a_handle_of_another_process_is_too_old(client: TestClient, people: list[str]):
    """After a restart of the console, say: the page says what to do."""
    client.auth = httpx2.BasicAuth(*BEN)
    answer = client.post("/look-up", data={"term": Handles().of("ben", Use.TERM, people[1])})
    assert (answer.status_code, "This link is too old. Open the list again." in answer.text) == (410, True)
    answer = client.get("/look-up", params={"of": Handles().of("ben", Use.TERM, people[1])})
    assert (answer.status_code, "This link is too old. Please look it up again." in answer.text) == (410, True)
    answer = client.get("/queries/person", params={"of": Handles().of("ben", Use.PARAMETERS, "{}")})
    assert (answer.status_code, "This link is too old. Please fill in the form again." in answer.text) == (400, True)


def test_missed_webhooks_show_no_digest(client: TestClient, engine: Engine):
    """A masked viewer sees that there is one, and not which."""
    digest = short_digest(person(1), OURS)
    Store(engine).write([MissedWebhook("voice_call", digest, "", found_at=NOW, journal_at=NOW, state="missed")])
    for login, count in ((ANNA, True), (BEN, False)):
        client.auth = httpx2.BasicAuth(*login)
        assert (digest in client.get("/missed").text) is count


def test_the_latest_values_are_remembered():
    """A handle is the same each time, and of this process, one viewer and one use alone; what is used stays longest."""
    handles, others, secret = Handles(), Handles(), "4915112345678"
    first = handles.of("anna", Use.TERM, secret)
    assert first == handles.of("anna", Use.TERM, secret)
    assert len({first, others.of("anna", Use.TERM, secret), handles.of("ben", Use.TERM, secret)}) == 3
    assert "4915" not in first
    assert handles.value("anna", Use.TERM, first) == secret
    assert others.value("anna", Use.TERM, first) is None
    assert handles.value("ben", Use.TERM, first) is None
    assert handles.value("anna", Use.POSITION, first) is None
    assert handles.value("anna", Use.TERM, secret) is None
    for number in range(MOST - 1):
        handles.of("anna", Use.TERM, str(number))
    assert handles.value("anna", Use.TERM, first) == secret
    handles.of("anna", Use.TERM, "another")
    assert handles.value("anna", Use.TERM, first) == secret  # it was used meanwhile
    for number in range(MOST):
        handles.of("anna", Use.TERM, str(number))
    assert handles.value("anna", Use.TERM, first) is None
