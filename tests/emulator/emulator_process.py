"""Emulators to ask: real HTTP servers, asked as the vendor's clients ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from emulator.app import create_app
from emulator.settings import EmulatorSettings
from tests.emulator.stub_receiver import serving, wait_until

KEY = "a-key-of-some-account"
SMALL = {"seed": 3, "messages": 20, "duplicates": 0}


@dataclass(frozen=True)
class Emulator:
    """One emulator, served at `url`."""

    url: str
    client: httpx2.Client

    @property
    def api(self) -> str:
        return f"{self.url}/api/hooks"

    def subscribe(self, **words: object) -> int:
        answer = self.client.post(self.api, data={"action": "subscribe", "event_type": "all", **words})
        assert answer.json()["success"] is True
        return answer.json()["id"]

    def unsubscribe(self, hook_id: int) -> None:
        assert self.client.delete(self.api, params={"id": hook_id}).json() == {"success": True, "code": None}

    def read(self) -> list[dict]:
        return self.client.get(self.api).json()["hooks"]

    def hooks(self) -> list[dict]:
        """What is registered, not asked through the API."""
        return self.client.get(f"{self.url}/hooks").json()["hooks"]

    def tell(self, **order: object) -> int:
        answer = self.client.post(f"{self.url}/stories", json={**SMALL, **order})
        assert answer.status_code == 202, answer.text
        return answer.json()["story"]

    def progress(self, scenario: int = 1) -> dict:
        answer = self.client.get(f"{self.url}/stories/{scenario}")
        return answer.json() if answer.status_code == 200 else {"state": "untold"}

    def told(self, scenario: int = 1) -> dict:
        """A story's report, once it is told."""
        wait_until(lambda: self.progress(scenario)["state"] == "told")
        return self.progress(scenario)


@contextmanager
def emulating(**settings: object) -> Iterator[Emulator]:
    told = EmulatorSettings(**{f"emulator_{name}": value for name, value in settings.items()})
    with serving(create_app(told)) as url, httpx2.Client(headers={"X-Api-Key": KEY}, trust_env=False) as client:
        yield Emulator(url, client)
