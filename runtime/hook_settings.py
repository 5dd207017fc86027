"""What receiver and workers are told alike: where our hooks point, and what proves that a delivery came by one."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from runtime.settings import Environment, check_token


def several(told: str) -> list[str]:
    """What is told of several, comma-separated."""
    return [one.strip() for one in told.split(",") if one.strip()]


_SEVERAL = BeforeValidator(lambda told: several(told) if isinstance(told, str) else told)

Secrets = Annotated[tuple[SecretStr, ...], NoDecode, _SEVERAL]
TextList = Annotated[tuple[str, ...], NoDecode, _SEVERAL]


class HookSettings(Environment):
    """Of each of these there may be several, comma-separated: the first is current, the others are on their way out."""

    seven_public_url: TextList = Field(
        (), description="scheme://host[/prefix] as the gateway sees the receiver; several, first is current."
    )
    seven_hook_token: Secrets = Field((), description="The secret in the hooks' URLs; several, first is current.")
    seven_hook_secret: Secrets = Field(
        (), description="The secret in a header of our hooks, beside the token; several, first is current."
    )
    seven_signing_key: Secrets = Field(
        (), description="The account's signing key: deliveries are verified with each, requests signed with the first."
    )

    @field_validator("seven_hook_token", "seven_hook_secret")
    @classmethod
    def _acceptable(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for token in tokens:
            check_token(token.get_secret_value())
        return tokens

    @field_validator("seven_public_url")
    @classmethod
    def _public(cls, told: tuple[str, ...]) -> tuple[str, ...]:
        for one in told:
            parts = urlsplit(one)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("scheme://host[/prefix] is expected")
        return tuple(one.rstrip("/") for one in told)
