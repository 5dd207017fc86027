"""Settings of workers and beat."""

from pydantic import field_validator

from gateway.desired_hooks import DEFAULT, read_desired
from gateway.factory import Account
from operations.checks.subject import CheckedSettings
from runtime.settings.types import reveal, reveal_all


class WorkerSettings(CheckedSettings):
    """All that a worker or beat reads from its environment."""

    @property
    def account(self) -> Account:
        """The account at the gateway, and its hooks."""
        return Account(
            api_url=self.seven_api_url,
            api_key=reveal(self.seven_api_key),
            public_urls=self.seven_public_url,
            tokens=reveal_all(self.seven_hook_token),
            desired=DEFAULT if self.seven_hooks is None else read_desired(self.seven_hooks),
            signing_key=next(iter(reveal_all(self.seven_signing_key)), None),
            hook_secret=next(iter(reveal_all(self.seven_hook_secret)), None),
            most_changes=self.seven_hooks_most_changes,
            grace_s=self.seven_hooks_grace_s,
        )

    @field_validator("seven_hooks")
    @classmethod
    def _readable(cls, hooks: str | None) -> str | None:
        if hooks is not None:
            read_desired(hooks)
        return hooks
