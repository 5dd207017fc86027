"""Settings of the receiver. It never needs the API key."""

from typing import Self

from pydantic import model_validator

from runtime.logs import logger
from runtime.settings.receiver import ReceiverSettings
from runtime.settings.shared import DigitSettings, HookSettings, LedgerSettings
from runtime.settings.traces import TraceSettings
from runtime.settings.types import GOOD_TOKEN, HOW_TO_MAKE_ONE, Mode, reveal_all

log = logger("seven.ingest")


class IngestSettings(LedgerSettings, HookSettings, ReceiverSettings, DigitSettings, TraceSettings):
    """All that a receiver reads from its environment; at least one hook token is needed."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.seven_hook_token:
            raise ValueError("SEVEN_HOOK_TOKEN: at least one token is needed")
        if self.seven_signature_mode == "enforce" and not (self.seven_signing_key and self.seven_public_url):
            raise ValueError("SEVEN_SIGNATURE_MODE: enforce needs SEVEN_SIGNING_KEY and SEVEN_PUBLIC_URL")
        if self.seven_hook_secret_mode == "enforce" and not self.seven_hook_secret:  # noqa: S105
            raise ValueError("SEVEN_HOOK_SECRET_MODE: enforce needs SEVEN_HOOK_SECRET")
        return self

    @property
    def signature_mode(self) -> Mode:
        """Without a key, or a URL that hooks are registered with, nothing can be verified."""
        can_verify = self.seven_signing_key and self.seven_public_url
        return (self.seven_signature_mode or "observe") if can_verify else "off"

    @property
    def secret_mode(self) -> Mode:
        """Without a secret there is nothing to verify."""
        return self.seven_hook_secret_mode if self.seven_hook_secret else "off"

    @property
    def demanded_secrets(self) -> tuple[str, ...] | None:
        """What the header of a delivery must carry one of; None where nothing is refused for want of it."""
        return reveal_all(self.seven_hook_secret) if self.secret_mode == "enforce" else None  # noqa: S105 - a mode

    @property
    def weak_tokens(self) -> int:
        """How many hook tokens are so short that they can be guessed."""
        return sum(len(token.get_secret_value()) < GOOD_TOKEN for token in self.seven_hook_token)

    @property
    def verifies_nothing(self) -> bool:
        """Whether there is a signing key for nothing: signatures contain the public URL, which is not set."""
        return bool(self.seven_signing_key) and not self.seven_public_url

    def warnings(self) -> list[str]:
        """A sentence, for people, for each setting that works and will hurt."""
        sentences = []
        if self.weak_tokens:
            tokens = "A token has" if self.weak_tokens == 1 else f"{self.weak_tokens} tokens have"
            sentences.append(
                f"{tokens} fewer than {GOOD_TOKEN} characters in SEVEN_HOOK_TOKEN, and can be guessed; "
                f"{HOW_TO_MAKE_ONE}"
            )
        if self.verifies_nothing:
            sentences.append("SEVEN_SIGNING_KEY is set, but without SEVEN_PUBLIC_URL no signature can be verified.")
        return sentences

    def log_warnings(self) -> None:
        """Log the same, as a receiver does."""
        if self.weak_tokens:
            log.warning("a hook token can be guessed", fewer_characters_than=GOOD_TOKEN, cure=HOW_TO_MAKE_ONE)
        if self.verifies_nothing:
            log.warning("signatures cannot be verified without the public URL", missing="SEVEN_PUBLIC_URL")
