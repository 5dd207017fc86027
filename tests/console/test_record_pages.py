"""Record pages: lists, stories and CSV files show what was received, as text, masked for who may not see it."""

import html
import re

import httpx2
import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from console.list_rows import next_command
from console.pages.look_up import readable_payload
from operations.queries import QUERIES
from operations.record_lists import LISTS
from seven.envelope import Envelope
from tests.console.browsed_pages import HOSTILE
from tests.console.conftest import ANNA, Visitor
from tests.console.visits import all_pages
from tests.factories.envelopes import NOW, Accept
from workers.consumer import Consumer


def test_links_are_named_as_they_look(client: TestClient):
    """The name that is read out begins with the text that is seen, so that people may say it (WCAG 2.5.3)."""
    client.auth = httpx2.BasicAuth(*ANNA)
    named = r'<(?:a|button)\b[^>]*aria-label="([^"]*)"[^>]*>([^<]*)<'
    names = {pair for page in all_pages(client).values() for pair in re.findall(named, page)}
    assert {"open", "77001"} <= {text for _, text in names}
    assert not [(label, text) for label, text in names if not label.startswith(text)]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        pytest.param("/messages?result=lost", "Result: choose delivered, failed, pending or unknown.", id="filter"),
        pytest.param("/messages.csv?since=x", "From day: a day is written as 2026-03-29.", id="filter of a file"),
        pytest.param("/calls?colour=red", "no filter &#39;colour&#39;", id="unknown filter"),
        pytest.param("/deliveries?after=x", "This link is too old.", id="position"),
        pytest.param("/queries/deliveries_by_day?days=x", "Days back, today included: a whole number", id="parameter"),
    ],
)
def test_what_makes_no_sense_gets_a_sentence(client: TestClient, path: str, sentence: str):
    """It is the visitor's to mend, and the form is still there."""
    client.auth = httpx2.BasicAuth(*ANNA)
    answer = client.get(path)
    assert answer.status_code == 400
    assert sentence in answer.text


def test_a_spreadsheet_runs_nothing(visitor: Visitor, consumer: Consumer, accept: Accept):
    """A cell that begins as a formula is defused; the file has a name, and its encoding is marked."""
    payload = {"webhook_event": "sms_mo", "data": {"id": "1", "sender": "+4915112345678", "text": "=HYPERLINK(1)", "time": 1777600000}}  # fmt: skip
    consumer.consume("sms_mo", [accept(Envelope("d", "sms_mo", NOW, "JSON", payload), queue="sms_mo")])
    answer = visitor().get("/inbound.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="inbound-\d{4}-\d\d-\d\d\.csv"', answer.headers["content-disposition"])
    assert answer.text.startswith("\ufeffsent_at,id,sender,")
    assert ",'+4915112345678," in answer.text
    assert ",'=HYPERLINK(1)," in answer.text


def test_an_unapplied_delivery_names_what_to_do(client: TestClient):
    """Reason and command stand beside it, in the list and on its own page."""
    client.auth = httpx2.BasicAuth(*ANNA)
    page = client.get("/dead-letters?outcome=parked").text
    command = 'seven-ingest dead show <span class="unbroken">'
    commands = re.findall(f"{command}([0-9a-f-]{{36}})</span>", page)
    assert len(commands) == len(HOSTILE)
    assert "an event type not known here" in page
    assert "repairs" not in page
    assert f"{command}{commands[0]}</span>" in client.get(f"/deliveries/{commands[0]}").text


@pytest.mark.parametrize(
    ("outcome", "reason", "verb"),
    [
        ("parked", "an event type not known here", "show"),
        ("parked", "dlr: status: missing or empty", "show"),
        ("parked", "malformed JSON", "show"),
        ("parked", "larger than 65536 bytes", "discard"),
        ("quarantined", "no signature", "replay"),
        ("dead", "could not be projected: KeyError", "replay"),
        ("dead", "3 workers died with it alone in hand", "show"),
        ("dead", None, "replay"),
        ("discarded", "malformed JSON", "show"),
    ],
)
def test_a_command_does_what_the_page_says(outcome: str, reason: str | None, verb: str):
    """A replay stands only where it would apply something: what is not understood would be parked again."""
    assert next_command({"id": "7", "outcome": outcome, "reason": reason}) == f"seven-ingest dead {verb} 7"


@pytest.mark.parametrize(
    "term",
    ["hostile2", "+49 151 12345678", "0151/12345678", "ul.gl/x", "90", "00491511234 5678"],
    ids=["id", "number", "local number", "short URL", "message id", "number with zeros"],
)
def test_the_box_takes_what_people_know(client: TestClient, term: str):
    """A number in any spelling, an id, a URL without its scheme."""
    client.auth = httpx2.BasicAuth(*ANNA)
    answer = client.post("/look-up", data={"term": term})
    assert answer.status_code == 200
    assert "How it stands" in answer.text


def test_a_story_calls_its_webhooks_by_their_name(client: TestClient):
    """Delivered is an SMS that has arrived: a webhook is applied, without a colour, also if it reports a failure."""
    client.auth = httpx2.BasicAuth(*ANNA)
    page = client.post("/look-up", data={"term": "77001"}).text
    assert "Webhooks about it</h2>" in page
    assert "Deliveries about it" not in page
    assert page.count('<span class="state ">applied</span>') >= 2
    assert "Median in seconds" in client.get("/queries/time_to_delivery").text


def test_what_nothing_is_known_about(client: TestClient):
    """The page says what was looked at; a delivery that is unknown is no fault either."""
    client.auth = httpx2.BasicAuth(*ANNA)
    answer = client.post("/look-up", data={"term": "<b>nobody"})
    assert answer.status_code == 200
    assert "Nothing is known about “&lt;b&gt;nobody”" in answer.text
    assert client.get("/deliveries/01998888-0000-7000-8000-000000000000").status_code == 404
    assert client.post("/look-up", data={"term": " "}).status_code == 400
    assert client.post("/look-up", data={"term": "x" * 2000}).status_code == 400


def test_empty_lists_say_what_that_means(visitor: Visitor):
    """A list without rows has a sentence instead of a table."""
    client = visitor()
    for each in LISTS.values():
        page = client.get(f"/{each.name}").text
        assert each.empty in html.unescape(page)
        assert "<table>" not in page
    assert "Nothing matches these filters." in client.get("/messages?since=2026-03-29").text


def test_look_ups_are_logged_without_what_was_looked_up(client: TestClient):
    """Who, what kind, when: for the box, for a delivery, and for the question about a person."""
    client.auth = httpx2.BasicAuth(*ANNA)
    (delivery, *_) = re.findall(r'href="/deliveries/([^"]+)"', client.get("/deliveries").text)
    with capture_logs() as logs:
        for term in ("0151 12345678", "ul.gl/abc", "order-1", delivery):
            client.post("/look-up", data={"term": term})
        client.get(f"/deliveries/{delivery}")
        client.post("/queries/person", data={"number": "0151 12345678"})
    lookups = [entry for entry in logs if entry["event"] == "lookup"]
    kinds = ["number or id", "short URL", "id or label", "delivery id", "delivery id", "query person"]
    assert [entry["kind"] for entry in lookups] == kinds
    assert {entry["viewer"] for entry in lookups} == {"anna"}
    assert not [text for text in ("12345678", "ul.gl", "order-1", delivery) if text in str(logs)]


def test_a_question_about_a_person_takes_no_number_from_an_address(client: TestClient):
    """An address that has one is answered as if it had none."""
    client.auth = httpx2.BasicAuth(*ANNA)
    page = client.get("/queries/person?number=4915112345678").text
    assert "4915112345678" not in page
    assert 'method="post"' in page
    answer = client.get("/queries/person/csv?number=4915112345678", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queries/person")
    assert client.get("/queries/nothing").status_code == 404


@pytest.mark.parametrize("name", QUERIES)
def test_every_question_has_an_answer(client: TestClient, name: str):
    """As a page and as a file, with the parameters that it has by default."""
    client.auth = httpx2.BasicAuth(*ANNA)
    if name == "person":
        page, file = (client.post(f"/queries/{name}{end}", data={"number": "0151 12345678"}) for end in ("", "/csv"))
    else:
        page, file = (client.get(f"/queries/{name}{end}") for end in ("", "/csv"))
    assert (page.status_code, file.status_code) == (200, 200)
    assert "<table>" in page.text or "There is no such row." in page.text
    assert page.text.count("<svg") == (0 if "<figure" not in page.text else page.text.count("swatch") + 1)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        pytest.param('{"a": {"b": "\\u00e4"}}', '{\n  "a": {\n    "b": "ä"\n  }\n}', id="JSON"),
        pytest.param("base64:/2E=", "\\xffa", id="bytes"),
        pytest.param("base64:?", "base64:?", id="no bytes"),
        pytest.param("[" * 100_000, "[" * 65_536 + "… and 34464 more characters", id="deep and long"),
        pytest.param(None, None, id="no longer kept"),
    ],
)
def test_a_payload_is_readable(payload: str | None, text: str | None):
    """Whatever was received."""
    assert readable_payload({"payload": payload, "event_type": "dlr"}) == text


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param('{"data": {"id": 8, "dtmf_digit": "7"}, "webhook_event": "voice_dtmf"}', id="JSON"),
        pytest.param("base64:ZHRtZl9kaWdpdD03/w==", id="bytes"),
        pytest.param('["dtmf_digit 7"]', id="no fields"),
    ],
)
def test_no_page_shows_a_pressed_key(payload: str):
    """Not even to those who may see texts, where keys are stored."""
    shown = readable_payload({"payload": payload, "event_type": "voice_dtmf"})
    assert shown
    assert "7" not in shown
    assert "dtmf_digit" in shown
