"""Settings of workers and beat."""

from pydantic import SecretStr, field_validator

from gateway.desired_hooks import read_desired
from operations.checks.subject import CheckedSettings
from runtime.settings.opt_outs import OptOutSettings
from runtime.settings.shared import DigitSettings, ErasureSettings
from runtime.settings.traces import TraceSettings
from store.forgotten import ForgottenRegister


class WorkerSettings(CheckedSettings, OptOutSettings, DigitSettings, ErasureSettings, TraceSettings):
    """All that a worker or beat reads from its environment."""

    @property
    def forgotten_register(self) -> ForgottenRegister:
        """The forgotten numbers, as far as the erasure key recognises them."""
        return ForgottenRegister(self.erasure_key, self.seven_country_code)

    @property
    def reads_journal(self) -> bool:
        """Whether workers read the gateway's journal."""
        return self.seven_backfill_mode != "off" and self.seven_api_key is not None

    @property
    def journal_days(self) -> int:
        """Days of the journal to compare: fewer than anything is kept of what it lists."""
        kept = (
            self.seven_keep_histories_days,
            self.seven_keep_messages_days,
            self.seven_keep_inbound_messages_days,
            self.seven_keep_texts_days,
            self.seven_keep_calls_days,
        )
        return min(self.seven_backfill_days, *(days - 1 for days in kept if days))

    @field_validator("seven_hooks")
    @classmethod
    def _readable(cls, hooks: SecretStr | None) -> SecretStr | None:
        if hooks is not None:
            read_desired(hooks.get_secret_value())
        return hooks
