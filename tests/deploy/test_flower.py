"""Flower, as the container runs it, in a real browser: legible, behind a password, only to look, and forgetting nothing.

SCREENSHOTS=docs/flower pytest tests/deploy/test_flower.py writes what the browser saw.
"""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ledger.announcements import CLOCK
from seven.events import QUEUES
from store.engine import create_store_engine
from store.migrate import migrate
from tests.conftest import TOKEN
from tests.deploy.tools import thorough, tool
from tests.processes import FLOWER_PASSWORD as PASSWORD
from tests.processes import Flower, Process, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, eventually

NUMBER, TEXT = "4917612345678", "a text for nobody else"
DELIVERIES = [
    {"webhook_event": "dlr", "data": {"msg_id": "77001", "status": "DELIVERED", "timestamp": "2026-11-01 10:00:00"}},
    {"webhook_event": "sms_mo", "data": {"id": "1", "sender": NUMBER, "text": TEXT, "system": "4915100000000"}},
    {"webhook_event": "something_new", "data": {"from": NUMBER}},
]
PAGES = ("workers", "tasks", "broker")
COLUMNS = (
    ("draw=1&start=0&length=50&search[value]=&order[0][column]=0&order[0][dir]=desc&columns[0][data]=name")
    .replace("[", "%5B")
    .replace("]", "%5D")
)


@pytest.fixture
def flower(redis_url: str, tmp_path: Path) -> Iterator[Flower]:
    """Flower beside receiver, worker and beat, after some traffic."""
    database = f"sqlite:///{tmp_path / 'seven.db'}"
    engine = create_store_engine(database)
    migrate(engine)
    engine.dispose()
    environment = {
        "REDIS_URL": redis_url, "DATABASE_URL": database, "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_METRICS_ADDRESS": "off", "SEVEN_SWEEP_S": "1",
    }  # fmt: skip
    flower, receiver = Flower(tmp_path, environment), Receiver(tmp_path, environment)
    with running(flower, worker(tmp_path, environment), beat(tmp_path, environment), receiver):
        # It shows what it hears of: the first that beat sends again and again says that it hears.
        eventually(lambda: "sweep" in flower.get("/tasks/datatable?" + COLUMNS).text)
        with closing(sqlite3.connect(tmp_path / "seven.db", isolation_level=None)) as connection:
            for delivery in DELIVERIES * 5:
                httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=delivery).raise_for_status()
            eventually(lambda: connection.execute("SELECT count(*) FROM deliveries").fetchone() == (15,), 30)
        eventually(lambda: flower.get("/worker/worker@test").status_code == 200, 30)
        yield flower


@pytest.fixture
def browser(flower: Flower, tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A headless Chromium that has told the password."""
    driver = tool("chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = tool("chromium", "chromium-browser", "google-chrome")
    for argument in (
        "headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking", "disable-sync",
        "disable-component-update", "disable-quic", "window-size=1600,900", f"user-data-dir={tmp_path / 'chromium'}",
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chrome:
        chrome.get(flower.url.replace("//", "//{}:{}@".format(*PASSWORD)))
        yield chrome


def shown(browser: webdriver.Chrome, word: str) -> str:
    """The page's text, once a word is in it: it is loaded again now and then, as somebody does who waits for news."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with suppress(TimeoutException):
            WebDriverWait(browser, 10).until(lambda b: word in b.find_element(By.TAG_NAME, "body").text)
            return browser.find_element(By.TAG_NAME, "body").text
        assert time.monotonic() < deadline, browser.find_element(By.TAG_NAME, "body").text
        browser.refresh()


def keep_picture(browser: webdriver.Chrome, name: str) -> None:
    if directory := os.environ.get("SCREENSHOTS"):
        Path(directory).mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(Path(directory) / f"{name}.png"))


@thorough
def test_people_see_workers_queues_and_tasks(flower: Flower, browser: webdriver.Chrome):
    """Every page loads without a complaint, names what there is, and shows nothing that people wrote."""
    pages = []

    browser.get(f"{flower.url}/workers")
    pages.append(shown(browser, "worker@test"))
    assert "Online" in pages[-1]
    keep_picture(browser, "workers")

    browser.get(f"{flower.url}/worker/worker@test")
    shown(browser, "worker@test")
    pages.append(browser.find_element(By.TAG_NAME, "body").get_attribute("textContent") or "")  # of all its tabs
    assert all(queue in pages[-1] for queue in (*QUEUES, CLOCK))

    browser.get(f"{flower.url}/tasks")
    pages.append(shown(browser, "consume.dlr"))
    assert "consume.sms_mo" in pages[-1]
    assert "SUCCESS" in pages[-1]
    keep_picture(browser, "tasks")

    browser.find_element(By.CSS_SELECTOR, "a[href*='/task/']").click()
    pages.append(shown(browser, "Worker"))
    keep_picture(browser, "task")

    browser.get(f"{flower.url}/broker")
    pages.append(shown(browser, "dlr"))
    assert all(queue in pages[-1] for queue in (*QUEUES, CLOCK))
    keep_picture(browser, "broker")

    source = "\n".join(pages) + flower.get("/tasks/datatable?" + COLUMNS).text
    assert "1 batch: " in source
    for secret in (NUMBER, TEXT, TOKEN, *PASSWORD[1:]):
        assert secret not in source
    assert not [
        one for one in browser.get_log("browser") if one["level"] == "SEVERE" and "favicon" not in one["message"]
    ]


@thorough
def test_it_only_looks(flower: Flower, browser: webdriver.Chrome):
    """There is no button that changes anything, and what the buttons would call refuses."""
    browser.get(f"{flower.url}/worker/worker@test")
    shown(browser, "worker@test")
    buttons = browser.find_elements(By.CSS_SELECTOR, "button, input[type=submit]")
    words = {button.text.strip().lower() for button in buttons if button.is_displayed()}
    assert not {"shut down", "shutdown", "pool restart", "grow", "shrink", "add", "revoke"} & words

    for path in ("worker/shutdown/worker@test", "task/async-apply/consume.dlr", "worker/pool/shrink/worker@test?n=1"):
        answer = httpx2.post(f"{flower.url}/api/{path}", auth=PASSWORD, json={"args": [[]]})
        assert answer.status_code == 403, path


def test_nobody_looks_without_the_password(flower: Flower):
    """Not at a page, and not by a wrong one."""
    for page in PAGES:
        assert flower.get(f"/{page}", auth=None).status_code == 401
        assert flower.get(f"/{page}", auth=("ops", "wrong")).status_code == 401


@pytest.mark.duration(8)
def test_it_remembers_after_a_kill(flower: Flower):
    """kill -9, and what it has seen is there again."""
    eventually(lambda: "consume.dlr" in flower.get("/tasks/datatable?" + COLUMNS).text, 30)
    assert flower.process
    eventually(lambda: flower_saved(flower), 40)
    flower.end(signal.SIGKILL)
    flower.start()

    assert "consume.dlr" in eventually(lambda: flower.get("/tasks/datatable?" + COLUMNS).text, 30)


def flower_saved(flower: Flower) -> bool:
    """Whether a whole state is saved: while Flower writes one, it has another name."""
    files = [file for file in flower.log.parent.glob("flower*") if not {".log", ".tmp"} & set(file.suffixes)]
    return any(b"consume.dlr" in file.read_bytes() for file in files)


def test_it_does_not_start_without_a_password(flower: Flower):
    """An empty file would let everybody in."""
    flower.end()
    flower.password.write_text("")
    Process.start(flower)
    assert flower.process

    assert flower.process.wait(PATIENCE_S) == 2
    assert "FLOWER_BASIC_AUTH" in flower.log.read_text()
