"""Rotation: token, signing key and secret header are replaced under traffic, every guard enforcing, and nothing is refused."""

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
"""Its first retry comes after 0.2 s."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        yield server


@dataclass
class Gateway:
    """What signs and where to, as the account has it at a moment."""

    signing: Signing
    token: str
    secret: str
    renewed: bool = False
    told: int = 0
    ended: bool = False

    def headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        return self.signing.headers(request)

    def requests(self, url: str) -> Iterator[Request]:
        """Deliveries for as long as they are wanted, each with what holds when it is drawn."""
        while not self.ended:
            self.told += 1
            body = b'{"data":{"msg_id":"%d","status":"DELIVERED"},"webhook_event":"dlr"}' % self.told
            yield Request("POST", f"{url}/hooks/{self.token}", (("x-hook-secret", self.secret),), body)


def start_again(receiver: Receiver, **told: str) -> None:
    """End it as a restart does, and start it with other settings."""
    assert receiver.end() == 0 or receiver.process
    receiver.environment |= told
    receiver.start()


@pytest.mark.duration(10)
def test_nothing_is_refused_while_everything_is_replaced(broker: Valkey, tmp_path: Path):
    """New ones are listed before the gateway has them, old ones until the last retry; a 401 or 404 would be final."""
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
    delivering = Sender(gateway.requests(receiver.url), PATIENT, concurrency=16, rate=RATE, signing=gateway)  # type: ignore[arg-type]

    async def told(number: int) -> None:
        """So many more have been told, and most of them answered."""
        until = gateway.told + number
        await asyncio.to_thread(
            eventually, lambda: gateway.told >= until and len(delivering.report.fates) >= until - 50
        )

    async def scenario() -> None:
        running_on = asyncio.create_task(delivering.run())
        await told(60)
        await asyncio.to_thread(
            start_again, receiver, SEVEN_HOOK_TOKEN=f"{NEW},{OLD}", SEVEN_SIGNING_KEY="new-key,old-key",
            SEVEN_HOOK_SECRET="new-secret-of-hooks,old-secret-of-hooks",
        )  # fmt: skip
        await told(60)
        gateway.signing, gateway.token, gateway.secret = Signing("new-key"), NEW, "new-secret-of-hooks"
        of_before = gateway.told
        await told(60)
        # the last retry of before has come
        await asyncio.to_thread(eventually, lambda: delivering.report.fates.keys() >= {*range(of_before)})
        await asyncio.to_thread(
            start_again, receiver, SEVEN_HOOK_TOKEN=NEW, SEVEN_SIGNING_KEY="new-key",
            SEVEN_HOOK_SECRET="new-secret-of-hooks",
        )  # fmt: skip
        await told(60)
        gateway.ended = True
        await asyncio.wait_for(running_on, 60)

    with running(receiver):
        asyncio.run(scenario())
    fates = delivering.report.fates
    assert len(fates) == gateway.told >= 240
    assert {fate.state for fate in fates.values()} == {State.DELIVERED}
    assert {fate.outcome for fate in fates.values()} == {"accepted"}
    assert delivering.report.retries["connection"] > 0  # the receiver was away twice
