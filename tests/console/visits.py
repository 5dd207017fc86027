"""Visits: a console with hostile texts behind it, and everything that a viewer can reach, for the tests."""

import html
import re

from starlette.testclient import TestClient

from console.pages import PAGES

PAGED = [page.path for page in PAGES if "GET" in page.methods and "{" not in page.path]


def forms(page: str) -> list[tuple[str, dict[str, str]]]:
    """The forms by POST of a page: where each leads, and its hidden fields."""
    forms = re.findall(r'<form[^>]*method="post" action="([^"]*)">(.*?)</form>', page, re.DOTALL)
    hidden = r'type="hidden" name="(\w+)" value="([^"]*)"'
    return [
        (html.unescape(action), {name: html.unescape(value) for name, value in re.findall(hidden, inner)})
        for action, inner in forms
    ]


def link(page: str, text: str) -> str | None:
    """Where the link with this text leads; None if there is none."""
    match = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>{text}</a>', page)
    return html.unescape(match[1]) if match else None


def all_pages(client: TestClient) -> dict[str, str]:
    """Every page and file of this viewer by address, with each story and delivery that a list leads to."""
    seen: dict[str, str] = {}
    for path in PAGED:
        seen[path] = client.get(path).text
    for path in tuple(seen):
        for action, fields in forms(seen[path]):
            if "term" in fields:
                seen[f"{action} {fields['term']}"] = client.post(action, data=fields).text
        for address in set(re.findall(r'href="(/deliveries/[^"]+)"', seen[path])):
            seen[address] = client.get(address).text
    return seen
