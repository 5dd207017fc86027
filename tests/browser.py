"""A real browser, headless Chromium, of a width and a colour scheme; what it logs and what it asks for."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver

from tests.deploy.tools import server_tool

MOST_PIXELS = 1600
"""The height of a screenshot, at most."""


@contextmanager
def chromium(directory: Path, *, arguments: tuple[str, ...] = ()) -> Iterator[webdriver.Chrome]:
    """A browser for the length of a block. Without Chromium the test is skipped, or fails where all tools are required."""
    driver = server_tool("chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = server_tool("chromium", "chromium-browser", "google-chrome")
    for argument in (
        "headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking", "disable-sync",
        "disable-component-update", "disable-quic", "hide-scrollbars", "window-size=1600,900",
        f"user-data-dir={directory / 'chromium'}", *arguments,
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as browser:
        yield browser


def set_view(
    browser: webdriver.Chrome, width: int, scheme: str, time_zone: str = "Europe/Berlin", height: int = 800
) -> None:
    """Make the pages that follow as wide as that, in a colour scheme, `light` or `dark`, at a clock of that zone."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": time_zone})


def requested(browser: webdriver.Chrome) -> list[str]:
    """Every URL that pages have asked for since the last call; the browser's own icons, `data:`, are none."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and not message["params"]["request"]["url"].startswith("data:")
    ]


def errors(browser: webdriver.Chrome) -> list[str]:
    """What the console of the browser has said since the last call: errors and warnings."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def save_screenshot(browser: webdriver.Chrome, name: str) -> None:
    """Save the page, down to MOST_PIXELS, in the directory that SCREENSHOTS names, if it names one."""
    if directory := os.environ.get("SCREENSHOTS"):
        Path(directory).mkdir(parents=True, exist_ok=True)
        width, height = browser.execute_script("return [window.innerWidth, document.documentElement.scrollHeight]")
        size = {"width": width, "height": min(height, MOST_PIXELS), "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.save_screenshot(str(Path(directory) / f"{name}.png"))
