"""Rotation: token, signing key and secret header are replaced under traffic, all enforced, without a refusal."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.auth import Signing
from emulator.report import State
from emulator.sender import RetryPolicy, Sender
from emulator.wire import Request
from tests.processes import Receiver, running
from tests.servers import Valkey, eventually, valkey

OLD, NEW = "old-token-of-the-hooks-012345", "new-token-of-the-hooks-012345"
RATE = 60.0
PATIENT = RetryPolicy(compression=300)
"""The first retry comes after 0.2 s."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        yield server


@dataclass
class Gateway:
    """The account's current signing key, token and secret, and the deliveries sent with them."""

    signing: Signing
    token: str
    secret: str
    resign_retries: bool = False
    sent: int = 0
    ended: bool = False

    def headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        return self.signing.headers(request)

    def requests(self, url: str) -> Iterator[Request]:
        """Deliveries until `ended`, each with the token and secret that are current when it is drawn."""
        while not self.ended:
            self.sent += 1
            body = b'{"data":{"msg_id":"%d","status":"DELIVERED"},"webhook_event":"dlr"}' % self.sent
            yield Request("POST", f"{url}/hooks/{self.token}", (("x-hook-secret", self.secret),), body)


def restart(receiver: Receiver, **settings: str) -> None:
    """Restart the receiver with other settings."""
    assert receiver.end() == 0 or receiver.process
    receiver.environment |= settings
    receiver.start()


@pytest.mark.duration(10)
def test_a_rotation_refuses_no_delivery(broker: Valkey, tmp_path: Path):
    """New values are accepted before the gateway has them, old ones until the last retry: a 401 is final."""
    receiver = Receiver(
        tmp_path,
        {
            "REDIS_URL": broker.url, "SEVEN_METRICS_ADDRESS": "off", "SEVEN_SIGNATURE_MODE": "enforce",
            "SEVEN_HOOK_SECRET_MODE": "enforce", "SEVEN_HOOK_TOKEN": OLD, "SEVEN_SIGNING_KEY": "old-key",
            "SEVEN_HOOK_SECRET": "old-secret-of-hooks",
        },
    )  # fmt: skip
    receiver.environment["SEVEN_PUBLIC_URL"] = receiver.url
    gateway = Gateway(Signing("old-key"), OLD, "old-secret-of-hooks")
    requests = gateway.requests(receiver.url)
    sender = Sender(requests, PATIENT, concurrency=16, rate=RATE, signing=gateway)  # type: ignore[arg-type]

    async def wait_for(number: int) -> None:
        """Wait until this many more are sent and most of them answered."""
        until = gateway.sent + number
        await asyncio.to_thread(eventually, lambda: gateway.sent >= until and len(sender.report.results) >= until - 50)

    async def scenario() -> None:
        sending = asyncio.create_task(sender.run())
        await wait_for(60)
        await asyncio.to_thread(
            restart, receiver, SEVEN_HOOK_TOKEN=f"{NEW},{OLD}", SEVEN_SIGNING_KEY="new-key,old-key",
            SEVEN_HOOK_SECRET="new-secret-of-hooks,old-secret-of-hooks",
        )  # fmt: skip
        await wait_for(60)
        gateway.signing, gateway.token, gateway.secret = Signing("new-key"), NEW, "new-secret-of-hooks"
        sent_before = gateway.sent
        await wait_for(60)
        # every delivery with the old values is answered
        await asyncio.to_thread(eventually, lambda: sender.report.results.keys() >= {*range(sent_before)})
        await asyncio.to_thread(
            restart, receiver, SEVEN_HOOK_TOKEN=NEW, SEVEN_SIGNING_KEY="new-key",
            SEVEN_HOOK_SECRET="new-secret-of-hooks",
        )  # fmt: skip
        await wait_for(60)
        gateway.ended = True
        await asyncio.wait_for(sending, 60)

    with running(receiver):
        asyncio.run(scenario())
    results = sender.report.results
    assert len(results) == gateway.sent >= 240
    assert {result.state for result in results.values()} == {State.DELIVERED}
    assert {result.outcome for result in results.values()} == {"accepted"}
    assert sender.report.retries["connection"] > 0  # the receiver was restarted twice
