"""The console in a real browser: every page, masked and not, light and dark, on a phone and on a desk.

`make screenshots` saves pictures of them in docs/console/.
"""

from datetime import UTC, datetime
from itertools import product

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import Engine

from seven.records import Message
from store.row_writer import Store
from tests.browser import errors, requested, save_screenshot, set_view
from tests.console.browsed_pages import BROWSED, NUMBER, PICTURES, SCREENSHOTS, Browsed
from tests.console.browser_visits import back, follow, log_in, look
from tests.console.conftest import ANNA, BEN
from tests.extent import thorough
from tests.factories.envelopes import NOW
from tests.processes import Console
from tests.servers import PATIENCE_S

VIEWS = [
    pytest.param(
        login,
        width,
        scheme,
        id=f"{name}-{width}-{scheme}",
        marks=() if (name, width, scheme) == ("full", 360, "dark") else thorough,
    )
    for login, name in ((ANNA, "full"), (BEN, "masked"))
    for width, scheme in product((360, 1280), ("light", "dark"))
]

UNLABELLED = """return [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button")].filter(
    element => !(element.labels && element.labels.length) && !element.ariaLabel && !element.textContent.trim()
).map(element => element.outerHTML)"""
BARE_TABLES = "return [...document.querySelectorAll('table')].filter(t => !t.querySelector('th[scope]')).length"
MISNAMED = """return [...document.querySelectorAll("a[aria-label], button[aria-label], summary[aria-label]")].filter(
    element => !element.ariaLabel.toLowerCase().startsWith(element.innerText.trim().toLowerCase())
).map(element => element.outerHTML)"""
WIDTHS = "return [document.documentElement.scrollWidth, window.innerWidth]"


@pytest.mark.duration(20)
@pytest.mark.parametrize(("login", "width", "scheme"), VIEWS)
def test_every_page(console: Console, browser: webdriver.Chrome, login: tuple[str, str], width: int, scheme: str):
    """No error of the browser, no request elsewhere, nothing wider than the screen, and all has a name to be read out."""
    base = log_in(browser, console, login)
    browser.get(f"{base}/?hours=168")  # the hours are counted
    requested(browser), errors(browser)
    set_view(browser, width, scheme)
    for page in BROWSED:
        look(browser, base, page)
        assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1, page
        for landmark in ("header", "nav", "main", "footer"):
            assert browser.find_elements(By.TAG_NAME, landmark), (page, landmark)
        inner, outer = browser.execute_script(WIDTHS)
        assert inner <= outer == width, page
        assert browser.execute_script(UNLABELLED) == [], page
        assert browser.execute_script(MISNAMED) == [], page
        assert browser.execute_script(BARE_TABLES) == 0, page
        assert browser.title.endswith("seven-ingest"), page
        assert "owned" not in browser.title, page
        expected = 1 if page.name == "nowhere" else 0  # the browser reports a 404 as an error
        assert len(errors(browser)) == expected, page
        if login == ANNA and (width, scheme) in SCREENSHOTS and page.name in PICTURES:
            save_screenshot(browser, f"{page.name}-{width}")
    assert [url for url in requested(browser) if not url.startswith(f"{base}/")] == []


def test_the_viewers_own_time_stands_beside_utc(console: Console, browser: webdriver.Chrome):
    """Added by a script; a viewer whose clock shows UTC sees it once."""
    base = log_in(browser, console, ANNA)
    for zone, shown in (("Asia/Tokyo", True), ("UTC", False)):
        set_view(browser, 1280, "light", zone)
        browser.get(base)
        assert bool(browser.find_elements(By.CSS_SELECTOR, "time + .local")) == shown
        assert ("your own clock" in browser.find_element(By.TAG_NAME, "footer").text) == shown
    set_view(browser, 1280, "light", "Asia/Tokyo")
    look(browser, base, Browsed("story", "/", "77001"))
    assert browser.find_elements(By.CSS_SELECTOR, ".standing time + .local")
    assert not browser.find_elements(By.CSS_SELECTOR, ".standing time:not(:has(+ .local))")


def test_the_offset_is_that_of_each_time(console: Console, browser: webdriver.Chrome, engine: Engine):
    """In London a time of July stands beside UTC, whatever the season of the look, and one of January does not."""
    times = [datetime(2026, month, 15, 12, tzinfo=UTC) for month in (1, 7)]
    Store(engine).write(Message(msg_id=f"{at:%B}", result="pending", first_seen_at=at) for at in times)
    base = log_in(browser, console, ANNA)
    set_view(browser, 1280, "light", "Europe/London")
    browser.get(f"{base}/messages?since=2026-01-01&until=2026-08-01")
    shown = browser.find_elements(By.CSS_SELECTOR, "td[data-title='First status']")
    assert [cell.text.split()[1:] for cell in shown] == [["12:00:00", "13:00"], ["12:00:00"]]


def test_it_works_by_keyboard(console: Console, browser: webdriver.Chrome):
    """The first Tab leads to a link that skips the navigation; the focus can be seen."""
    base = log_in(browser, console, ANNA)
    browser.get(base)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.text == "Skip to the content"
    assert focused.is_displayed()
    focused.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("#content")
    assert browser.switch_to.active_element.tag_name == "main"


@pytest.mark.duration(20)
def test_back_leads_back(console: Console, browser: webdriver.Chrome, engine: Engine):
    """To the story or the page of a list that a link was followed from; a browser asks nobody to send a form again."""
    Store(engine).write(Message(msg_id=f"55{number}", result="pending", first_seen_at=NOW) for number in range(120))
    base = log_in(browser, console, ANNA)
    look(browser, base, Browsed("story", "/", "77001"))
    assert browser.find_element(By.TAG_NAME, "h1").text == "The story of 77001"
    assert follow(browser, browser.find_element(By.CSS_SELECTOR, "main a[href^='/deliveries/']")) == "One delivery"
    back(browser, "The story of 77001")

    browser.get(f"{base}/messages")
    for button in ("Older", "Older", "Newer"):
        assert follow(browser, browser.find_element(By.LINK_TEXT, button)) == "Messages"
    older = browser.current_url
    assert follow(browser, browser.find_element(By.CSS_SELECTOR, "td button.link")).startswith("The story of 55")
    back(browser, "Messages")
    assert browser.current_url == older
    for _ in range(3):
        back(browser, "Messages")
    assert browser.current_url == f"{base}/messages"

    browser.get(f"{base}/queries/person")
    browser.find_element(By.NAME, "number").send_keys(NUMBER)
    title = follow(browser, browser.find_element(By.CSS_SELECTOR, "form.filters button"))
    assert follow(browser, browser.find_element(By.CSS_SELECTOR, "td button.link")).startswith("The story of")
    back(browser, title)


SEND = """const form = document.createElement("form");
form.method = "post"; form.action = arguments[0]; document.body.append(form); form.submit();"""


@pytest.mark.parametrize("host", ["127.0.0.1", "console.example"])
def test_forms_of_our_own_pages_are_taken_and_those_of_others_are_not(
    console: Console, browser: webdriver.Chrome, host: str
):
    """Also where a browser says nothing of the sender but its origin: without TLS, by another name than this machine's."""
    base = log_in(browser, console, ANNA, host)
    browser.execute_script(SEND, f"{base}/nowhere")
    WebDriverWait(browser, PATIENCE_S).until(lambda _: "There is no such page" in browser.title)

    browser.get("data:text/html,<title>another site</title>")
    browser.execute_script(SEND, f"{base}/nowhere")
    WebDriverWait(browser, PATIENCE_S).until(lambda _: "sent by another site" in browser.page_source)
