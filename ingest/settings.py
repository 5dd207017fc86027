"""What the receiver is told of its surroundings."""

from typing import Annotated

from pydantic import ByteSize, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from ledger.logs import logger
from ledger.settings import HOW_TO_MAKE_ONE, LedgerSettings, check_token

log = logger("seven.ingest")

GOOD_TOKEN = 20


class IngestSettings(LedgerSettings):
    """The receiver's settings. It never needs the API key."""

    seven_hook_token: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        description="The secret in the hooks' URLs; several, comma-separated, to replace one: first is current."
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
        description="Bytes of deliveries not understood that are kept in an hour; beyond it 429.",
    )

    @field_validator("seven_hook_token", mode="before")
    @classmethod
    def _listed(cls, told: object) -> object:
        return [one.strip() for one in told.split(",") if one.strip()] if isinstance(told, str) else told

    @field_validator("seven_hook_token")
    @classmethod
    def _strong(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not tokens:
            raise ValueError("at least one token is needed")
        for token in tokens:
            check_token(token.get_secret_value())
            if len(token.get_secret_value()) < GOOD_TOKEN:
                log.warning("a hook token can be guessed", fewer_characters_than=GOOD_TOKEN, cure=HOW_TO_MAKE_ONE)
        return tokens
