"""Foreign texts: whatever a field holds is shown as text, and only to who may see it, in both databases."""

import httpx2
import pytest
from starlette.testclient import TestClient

from operations.record_lists import LISTS
from tests.console.browsed_pages import HOSTILE, NUMBER
from tests.console.conftest import ANNA, BEN
from tests.console.visits import all_pages
from tests.extent import thorough, thorough_on_sqlite

MASKED = "+49…78"


@pytest.mark.duration(20)
@thorough_on_sqlite
def test_any_text_in_any_field_is_text(client: TestClient):
    """Script, bidi controls, NUL, emoji and very long words break nothing, and are seen as what they are."""
    client.auth = httpx2.BasicAuth(*ANNA)
    pages = all_pages(client)
    assert len(pages) > 100
    for address, page in pages.items():
        assert "A fault of the console" not in page, address
        assert "Undefined" not in page, address
        if not address.endswith(".csv"):  # a file has what was received
            assert not {"\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\x07"} & set(page), address
            assert "<script>" not in page, address
            assert "<img" not in page, address
    assert "&lt;script&gt;" in pages["/inbound"]
    assert "\\u202egnp.exe" in pages["/inbound"]
    assert HOSTILE["emoji"] in pages["/inbound"]
    assert HOSTILE["long"] in pages["/look-up hostile4"]
    assert all(len(pages[f"/{name}"]) < 300_000 for name in LISTS)


@pytest.mark.duration(20)
@pytest.mark.parametrize("dialect", ["sqlite", pytest.param("postgresql", marks=thorough)])
def test_who_may_not_see_texts_sees_none(client: TestClient):
    """No number, text, short URL or payload: not in a list, a file, a story, a hidden field, nor by an own search."""
    client.auth = httpx2.BasicAuth(*BEN)
    pages = all_pages(client)
    pages["by number"] = client.post("/look-up", data={"term": f"+{NUMBER}"}).text.replace(f"+{NUMBER}", "")
    pages["query"] = client.post("/queries/person", data={"number": "0151 12345678"}).text.replace("0151 12345678", "")
    pages["query.csv"] = client.post("/queries/person/csv", data={"number": NUMBER}).text
    for address, page in pages.items():
        assert "A fault of the console" not in page, address
        assert NUMBER not in page, address
        assert "https://ul.gl/" not in page, address
        assert 'class="payload"' not in page, address
        if "inbound" in address or "hostile" in address:  # elsewhere the same text is a label or a status
            assert "gnp.exe" not in page, address
    assert MASKED in pages["/inbound"]
    assert MASKED in pages["by number"]
    assert "••• (10000 characters)" in pages["/inbound.csv"]
