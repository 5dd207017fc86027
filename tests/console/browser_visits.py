"""Browser visits: how the tests log in to a console in a real browser, look something up, follow a link and go back."""

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from tests.console.browsed_pages import Browsed
from tests.processes import Console
from tests.servers import PATIENCE_S

LOADED = "return document.readyState === 'complete' && document.querySelector('footer') !== null"


def log_in(browser: webdriver.Chrome, console: Console, login: tuple[str, str], host: str = "127.0.0.1") -> str:
    """Log in. Returns the console's address."""
    browser.get(f"http://{login[0]}:{login[1]}@{host}:{console.port}/")
    return f"http://{host}:{console.port}"


def look(browser: webdriver.Chrome, base: str, page: Browsed) -> None:
    browser.get(base + page.path)
    if page.search is not None:
        box = browser.find_element(By.CSS_SELECTOR, "form[role=search] input:not([type=hidden])")
        box.send_keys(page.search, Keys.ENTER)
        WebDriverWait(browser, PATIENCE_S).until(staleness_of(box))
        WebDriverWait(browser, PATIENCE_S).until(lambda _: browser.execute_script(LOADED))


def follow(browser: webdriver.Chrome, element: WebElement) -> str:
    """Click, wait for the page that follows, and return its heading."""
    element.click()
    WebDriverWait(browser, PATIENCE_S).until(staleness_of(element))
    WebDriverWait(browser, PATIENCE_S).until(lambda _: browser.execute_script(LOADED))
    return browser.find_element(By.TAG_NAME, "h1").text


def back(browser: webdriver.Chrome, heading: str) -> None:
    """Go back, to a page with this heading."""
    browser.back()
    WebDriverWait(browser, PATIENCE_S).until(lambda _: browser.execute_script(LOADED), browser.page_source[:300])
    assert browser.find_element(By.TAG_NAME, "h1").text == heading
