"""Wide lists in a real browser: what a row leads to is in sight, and on paper no column is left out."""

from datetime import timedelta

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from sqlalchemy import Engine

from operations.record_lists import LISTS
from seven.records import Message, SentMessage
from store.row_writer import Store
from tests.browser import set_view
from tests.console.browser_visits import log_in
from tests.console.conftest import ANNA
from tests.factories.envelopes import NOW
from tests.processes import Console

OUT_OF_SIGHT = """return [...document.querySelectorAll(".scroll tbody tr")].filter(row => {
    const link = row.querySelector("a, button"), box = row.closest(".scroll");
    return link && link.getBoundingClientRect().right > box.getBoundingClientRect().right;
}).map(row => row.innerText)"""
CUT_OFF = """return [...document.querySelectorAll(".scroll")].filter(box => box.scrollWidth > box.clientWidth).map(
    box => box.ariaLabel + " " + box.scrollWidth + " > " + box.clientWidth)"""
A4_LANDSCAPE = 1047
"""CSS pixels between margins of a centimetre."""


def print_view(browser: webdriver.Chrome, width: int) -> None:
    set_view(browser, width, "light")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})


@pytest.mark.duration(20)
def test_rows_lead_somewhere_in_sight_and_print_whole(console: Console, browser: webdriver.Chrome, engine: Engine):
    """At the width of a small and of a large screen, and on paper; a status stands on one line."""
    at, number = NOW + timedelta(days=900), "4915112345678"
    sent = {"label": "spring-sale-2026", "foreign_id": "order-2026-000001", "sender": "Shop", "text": "Your parcel " * 9,
            "recipient": number, "connection": "http", "mccmnc": "26201", "sent_at": at}  # fmt: skip
    for status in ("TRANSMITTED", "NOTDELIVERED"):
        message = Message(msg_id=f"77230{status}", result="pending", status=status, status_at=at, first_seen_at=at,
                          delivered_at=at, read_at=at, foreign_id="order-2026-000001")  # fmt: skip
        Store(engine).write([message, SentMessage(f"77230{status}", **sent)])
    base = log_in(browser, console, ANNA)
    for name in LISTS:
        for width in (1280, 1920):
            set_view(browser, width, "light", "Asia/Tokyo")
            browser.get(f"{base}/{name}")
            assert browser.execute_script(OUT_OF_SIGHT) == [], (name, width)
            for status in ("TRANSMITTED", "NOTDELIVERED") if name in ("messages", "sent") else ():
                (cell, *_) = browser.find_elements(By.XPATH, f"//span[.='{status}']")
                assert browser.execute_script("return arguments[0].getClientRects().length", cell) == 1, (name, width)
        print_view(browser, A4_LANDSCAPE)
        browser.get(f"{base}/{name}")
        assert browser.execute_script(CUT_OFF) == [], name
