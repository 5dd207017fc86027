"""Emulators for tests: real HTTP servers, called as the vendor's clients call the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from unittest.mock import patch

import httpx2

from emulator.app import create_app
from emulator.sender import RetryPolicy
from emulator.settings import EmulatorSettings
from tests.emulator.stub_receiver import serve, wait_until
from tests.servers import PATIENCE_S

KEY = "a-key-of-some-account"
SMALL = {"seed": 3, "messages": 20, "duplicates": 0}


@dataclass(frozen=True)
class Emulator:
    """An emulator, served at `url`."""

    url: str
    client: httpx2.Client

    @property
    def api(self) -> str:
        return f"{self.url}/api/hooks"

    def subscribe(self, **fields: object) -> int:
        answer = self.client.post(self.api, data={"action": "subscribe", "event_type": "all", **fields})
        assert answer.json()["success"] is True
        return answer.json()["id"]

    def unsubscribe(self, hook_id: int) -> None:
        assert self.client.delete(self.api, params={"id": hook_id}).json() == {"success": True, "code": None}

    def read(self) -> list[dict]:
        return self.client.get(self.api).json()["hooks"]

    def hooks(self) -> list[dict]:
        """The registered hooks, without a request to the API."""
        return self.client.get(f"{self.url}/hooks").json()["hooks"]

    def run_scenario(self, **fields: object) -> int:
        answer = self.client.post(f"{self.url}/scenarios", json={**SMALL, **fields})
        assert answer.status_code == 202, answer.text
        return answer.json()["scenario"]

    def progress(self, scenario: int = 1) -> dict:
        answer = self.client.get(f"{self.url}/scenarios/{scenario}")
        return answer.json() if answer.status_code == 200 else {"state": "not started"}

    def final_report(self, scenario: int = 1) -> dict:
        """A scenario's report, once it has ended."""
        wait_until(lambda: self.progress(scenario)["state"] == "finished")
        return self.progress(scenario)


@contextmanager
def run_emulator(**settings: object) -> Iterator[Emulator]:
    """An emulator whose attempts take as long as a busy machine needs: a repeat after a timeout is another test's."""
    emulator_settings = EmulatorSettings(**{f"emulator_{name}": value for name, value in settings.items()})
    patient = partial(RetryPolicy, timeout_s=PATIENCE_S)
    with (
        patch("emulator.scenario_runner.RetryPolicy", patient),
        serve(create_app(emulator_settings)) as url,
        httpx2.Client(headers={"X-Api-Key": KEY}, trust_env=False) as client,
    ):
        yield Emulator(url, client)
