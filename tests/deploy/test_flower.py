"""Flower as the container runs it, in a real browser: readable, password-protected, read-only and persistent.

SCREENSHOTS=docs/flower pytest tests/deploy/test_flower.py saves screenshots.
"""

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
from tests.browser import chromium, save_screenshot
from tests.conftest import TOKEN
from tests.extent import thorough
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
TASK_QUERY = (
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
        "SEVEN_METRICS_ADDRESS": "off", "SEVEN_AUDIT_S": "1",
    }  # fmt: skip
    flower, receiver = Flower(tmp_path, environment), Receiver(tmp_path, environment)
    with running(flower, worker(tmp_path, environment), beat(tmp_path, environment), receiver):
        # Flower shows only events it receives: the first audit in its list proves that it is receiving.
        eventually(lambda: "audit" in flower.get("/tasks/datatable?" + TASK_QUERY).text)
        with closing(sqlite3.connect(tmp_path / "seven.db", isolation_level=None)) as connection:
            for delivery in DELIVERIES * 5:
                httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=delivery).raise_for_status()
            eventually(lambda: connection.execute("SELECT count(*) FROM deliveries").fetchone() == (15,), 30)
        eventually(lambda: flower.get("/worker/worker@test").status_code == 200, 30)
        yield flower


@pytest.fixture
def browser(flower: Flower, tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A headless Chromium that is logged in."""
    with chromium(tmp_path) as chrome:
        chrome.get(flower.url.replace("//", "//{}:{}@".format(*PASSWORD)))
        yield chrome


def wait_for_text(browser: webdriver.Chrome, text: str) -> str:
    """The page's text once it contains a given text; until then the page is reloaded every ten seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with suppress(TimeoutException):
            WebDriverWait(browser, 10).until(lambda b: text in b.find_element(By.TAG_NAME, "body").text)
            return browser.find_element(By.TAG_NAME, "body").text
        assert time.monotonic() < deadline, browser.find_element(By.TAG_NAME, "body").text
        browser.refresh()


@thorough
def test_people_see_workers_queues_and_tasks(flower: Flower, browser: webdriver.Chrome):
    """Every page loads without errors, shows workers, queues and tasks, and no personal data."""
    pages = []

    browser.get(f"{flower.url}/workers")
    pages.append(wait_for_text(browser, "worker@test"))
    assert "Online" in pages[-1]
    save_screenshot(browser, "workers")

    browser.get(f"{flower.url}/worker/worker@test")
    wait_for_text(browser, "worker@test")
    pages.append(browser.find_element(By.TAG_NAME, "body").get_attribute("textContent") or "")  # includes hidden tabs
    assert all(queue in pages[-1] for queue in (*QUEUES, CLOCK))

    browser.get(f"{flower.url}/tasks")
    pages.append(wait_for_text(browser, "consume.dlr"))
    assert "consume.sms_mo" in pages[-1]
    assert "SUCCESS" in pages[-1]
    save_screenshot(browser, "tasks")

    browser.find_element(By.CSS_SELECTOR, "a[href*='/task/']").click()
    pages.append(wait_for_text(browser, "Worker"))
    save_screenshot(browser, "task")

    browser.get(f"{flower.url}/broker")
    pages.append(wait_for_text(browser, "dlr"))
    assert all(queue in pages[-1] for queue in (*QUEUES, CLOCK))
    save_screenshot(browser, "broker")

    source = "\n".join(pages) + flower.get("/tasks/datatable?" + TASK_QUERY).text
    assert "1 batch: " in source
    for secret in (NUMBER, TEXT, TOKEN, *PASSWORD[1:]):
        assert secret not in source
    assert not [
        entry
        for entry in browser.get_log("browser")
        if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
    ]


@thorough
def test_it_is_read_only(flower: Flower, browser: webdriver.Chrome):
    """No button changes anything, and the API that such buttons would call refuses."""
    browser.get(f"{flower.url}/worker/worker@test")
    wait_for_text(browser, "worker@test")
    buttons = browser.find_elements(By.CSS_SELECTOR, "button, input[type=submit]")
    words = {button.text.strip().lower() for button in buttons if button.is_displayed()}
    assert not {"shut down", "shutdown", "pool restart", "grow", "shrink", "add", "revoke"} & words

    for path in ("worker/shutdown/worker@test", "task/async-apply/consume.dlr", "worker/pool/shrink/worker@test?n=1"):
        answer = httpx2.post(f"{flower.url}/api/{path}", auth=PASSWORD, json={"args": [[]]})
        assert answer.status_code == 403, path


def test_every_page_needs_the_password(flower: Flower):
    """Without a password or with a wrong one, every page answers 401."""
    for page in PAGES:
        assert flower.get(f"/{page}", auth=None).status_code == 401
        assert flower.get(f"/{page}", auth=("ops", "wrong")).status_code == 401


@pytest.mark.duration(8)
def test_it_remembers_after_a_kill(flower: Flower):
    """After SIGKILL and a restart, Flower still has its tasks."""
    eventually(lambda: "consume.dlr" in flower.get("/tasks/datatable?" + TASK_QUERY).text, 30)
    assert flower.process
    eventually(lambda: flower_saved(flower), 40)
    flower.end(signal.SIGKILL)
    flower.start()

    assert "consume.dlr" in eventually(lambda: flower.get("/tasks/datatable?" + TASK_QUERY).text, 30)


def flower_saved(flower: Flower) -> bool:
    """Whether a complete state is saved; an unfinished one has another file name."""
    files = [file for file in flower.log.parent.glob("flower*") if ".log" not in file.name and ".tmp" not in file.name]
    return any(b"consume.dlr" in file.read_bytes() for file in files)


@thorough
def test_it_does_not_start_without_a_password(flower: Flower):
    """With an empty password file, which would admit anyone, or a second password too short, it exits with code 2."""
    flower.end()
    for logins in ("", "ops:correct-horse-battery,c:d"):
        flower.password.write_text(logins)
        Process.start(flower)
        assert flower.process
        assert flower.process.wait(PATIENCE_S) == 2
    assert "FLOWER_BASIC_AUTH" in flower.log.read_text()
