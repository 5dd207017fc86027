"""Addresses of the console show nothing of a person, and lead back to what they led to."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from seven.records import Message
from store.row_writer import Store
from tests.console.conftest import ANNA
from tests.console.visits import all_pages, forms, link
from tests.factories.envelopes import NOW


def test_numbers_and_ids_stand_in_no_address(client: TestClient):
    """Every address on every page holds delivery ids, dates and filters alone."""
    client.auth = httpx2.BasicAuth(*ANNA)
    for address, page in all_pages(client).items():
        if address.endswith(".csv"):
            continue
        for url in re.findall(r'(?:href|action|formaction|src)="([^"]*)"', page):
            parts = urlsplit(html.unescape(url))
            assert not parts.netloc, url
            assert set(parse_qs(parts.query)) <= {"hours", "outcome", "after"}, url
            assert re.fullmatch(r"(/(deliveries/[0-9a-f-]{36})?[a-z_/.-]*)?", parts.path), url


@pytest.mark.parametrize("name", ["messages", "deliveries"])
def test_pages_of_a_list_follow_each_other(client: TestClient, engine: Engine, name: str):
    """By an address that shows nothing of its position, there and back; each row stands on one page."""
    client.auth = httpx2.BasicAuth(*ANNA)
    Store(engine).write(Message(msg_id=f"77{number}", result="pending", first_seen_at=NOW) for number in range(120))
    rows: list[str] = []
    pages: dict[str, str] = {}
    address: str | None = f"/{name}?since=2020-01-01"
    while address:
        page = pages[address] = client.get(address).text
        rows += [fields["term"] for _, fields in forms(page) if "term" in fields]
        rows += re.findall(r'href="/deliveries/([^"]+)"', page)
        assert re.fullmatch(rf"/{name}\?since=2020-01-01(&after=handle-[0-9a-f]+)?", address)
        address = link(page, "Older")
    lines = client.get(f"/{name}.csv").text.splitlines()
    assert len(rows) == len(set(rows)) == len(lines) - 1 > 50
    *earlier, last = pages
    while earlier:
        newer, last = link(pages[last], "Newer"), earlier.pop()
        assert newer == last
        assert client.get(last).text == pages[last]
    assert link(pages[last], "Newer") is None


@pytest.mark.parametrize("kind", ["story", "query"])
def test_a_form_leads_to_an_address_that_shows_nothing(client: TestClient, kind: str):
    """So that Back and a reload send no form again, and are no other look-up; of a number the address has a handle."""
    client.auth = httpx2.BasicAuth(*ANNA)
    path, field, text = {
        "story": ("/look-up", "term", "How it stands"),
        "query": ("/queries/person", "number", "Thank you, it has arrived."),
    }[kind]
    with capture_logs() as logs:
        answer = client.post(path, data={field: "0151 12345678"}, follow_redirects=False)
        assert answer.status_code == 303
        assert re.fullmatch(rf"{path}\?of=handle-[0-9a-f]+", answer.headers["location"])
        for _ in range(3):
            assert text in client.get(answer.headers["location"]).text
    assert len([entry for entry in logs if entry["event"] == "lookup"]) == 1
