"""What the receiver is told of its surroundings."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Self

from pydantic import ByteSize, Field, SecretStr, field_validator, model_validator

from ingest.verification import Mode
from runtime.hook_settings import HookSettings, Secrets, TextList
from runtime.logs import logger
from runtime.settings import HOW_TO_MAKE_ONE, LedgerSettings

log = logger("seven.ingest")

GOOD_TOKEN = 20


class IngestSettings(LedgerSettings, HookSettings):
    """The receiver's settings. It never needs the API key."""

    seven_hook_token: Secrets = Field(
        description="The secret in the hooks' URLs; several, comma-separated, to replace one: first is current."
    )
    seven_hook_secret_mode: Mode = Field(
        "observe", description="Whether the hooks' secret header is looked at, and a delivery without it refused."
    )
    seven_signature_mode: Mode | None = Field(
        None, description="off, observe or enforce; without it observe where there is a signing key."
    )
    seven_signature_age_s: float = Field(
        4 * 86_400.0,
        ge=0,
        description="Seconds that a signature is good for: retries come for 3.5 days with their first.",
    )
    seven_signature_ahead_s: float = Field(
        300.0, ge=0, description="Seconds that a signature may be from the future, by clocks that differ."
    )
    seven_trusted_proxies: TextList = Field(
        (), description="Addresses and networks of proxies whose X-Forwarded-For is believed, comma-separated."
    )
    seven_body_limit: ByteSize = Field(
        ByteSize(64 * 1024), description="Largest delivery, body and query together; beyond it 413 and a 4 KiB sample."
    )
    seven_accept_deadline_s: float = Field(
        2.0, gt=0, le=4, description="Seconds for the ledger to confirm, then 503. The gateway gives up after 5."
    )
    seven_batch_size: int = Field(256, ge=1, le=5000, description="Most deliveries in one batch.")
    seven_waiting_limit: ByteSize = Field(
        ByteSize(32 * 1024**2), description="Bytes that may wait for the ledger in one receiver; beyond it 503."
    )
    seven_parked_limit: ByteSize = Field(
        ByteSize(256 * 1024**2),
        description="Bytes of deliveries not understood that one receiver keeps in an hour; beyond it 429.",
    )
    seven_parked_most: int = Field(1_000_000, ge=0, description="The same, in deliveries.")
    seven_quarantined_limit: ByteSize = Field(
        ByteSize(64 * 1024**2),
        description="Bytes of deliveries in doubt that one receiver keeps in an hour; beyond it 429.",
    )
    seven_quarantined_most: int = Field(100_000, ge=0, description="The same, in deliveries.")
    seven_patience_s: float = Field(
        10.0,
        gt=0,
        description="Seconds for a request's head, and for its body, to arrive. The gateway gives up after 5.",
    )
    seven_stranger_rate: float = Field(
        100.0, gt=0, description="Answers a second to strangers of one address; beyond it they wait."
    )
    seven_stranger_connections: int = Field(
        64, ge=1, description="Connections of one address that have not shown a token; beyond it the oldest are closed."
    )

    @field_validator("seven_trusted_proxies")
    @classmethod
    def _networks(cls, told: tuple[str, ...]) -> tuple[str, ...]:
        for one in told:
            try:
                ip_network(one)
            except ValueError:
                raise ValueError("addresses and networks are expected, such as 10.0.0.7 or 10.0.0.0/8") from None
        return told

    @field_validator("seven_hook_token")
    @classmethod
    def _strong(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not tokens:
            raise ValueError("at least one token is needed")
        if any(len(token.get_secret_value()) < GOOD_TOKEN for token in tokens):
            log.warning("a hook token can be guessed", fewer_characters_than=GOOD_TOKEN, cure=HOW_TO_MAKE_ONE)
        return tokens

    @model_validator(mode="after")
    def _able_to(self) -> Self:
        if self.seven_signature_mode == "enforce" and not (self.seven_signing_key and self.seven_public_url):
            raise ValueError("SEVEN_SIGNATURE_MODE: enforce needs SEVEN_SIGNING_KEY and SEVEN_PUBLIC_URL")
        if self.seven_hook_secret_mode == "enforce" and not self.seven_hook_secret:  # noqa: S105
            raise ValueError("SEVEN_HOOK_SECRET_MODE: enforce needs SEVEN_HOOK_SECRET")
        return self

    @property
    def signature_mode(self) -> Mode:
        """Without a key, or a URL that hooks are registered with, nothing can be verified."""
        able = self.seven_signing_key and self.seven_public_url
        return (self.seven_signature_mode or "observe") if able else "off"

    @property
    def secret_mode(self) -> Mode:
        """Without a secret there is nothing to look for."""
        return self.seven_hook_secret_mode if self.seven_hook_secret else "off"


def words(told: Iterable[SecretStr]) -> list[str]:
    """Secrets, to be used."""
    return [one.get_secret_value() for one in told]
