"""The journal's API, asked as a client of the gateway asks it."""

from emulator.journal.rows import JOURNALS
from tests.emulator.emulator_process import Emulator

PLAYED = tuple(name for name in JOURNALS if name != "replies")
"""The journals that a scenario has rows for."""

NOW = "2026-06-03T00:00:00Z"


def read(emulator: Emulator, name: str, **params: object) -> list:
    """One page of a journal, asked by path; incoming calls have none."""
    suffix = "?type=voice_call" if name == "voice_call" else f"/{name}"
    answer = emulator.client.get(f"{emulator.url}/api/journal{suffix}", params={"type": name, **params})
    assert answer.status_code == 200, answer.text
    rows: list = answer.json()
    return rows


def read_all(emulator: Emulator, name: str) -> list[dict]:
    """Every row of a journal, page by page."""
    rows: list[dict] = []
    while page := read(emulator, name, offset=len(rows)):
        rows += page
    return rows


def play(emulator: Emulator, **fields: object) -> dict:
    """Play a scenario of a fixed day; returns its report."""
    return emulator.final_report(emulator.run_scenario(**{"now": NOW, **fields}))


def put_faults(emulator: Emulator, *faults: dict) -> dict:
    answer = emulator.client.put(f"{emulator.url}/journal/faults", json=faults[0] if len(faults) == 1 else list(faults))
    assert answer.status_code == 200, answer.text
    state: dict = answer.json()
    return state
