"""Settings of retention: how long each table keeps what; `docs/retention.md` gives the reasons."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from runtime.settings.environment import Environment

LEAST_DAYS = 7
"""The gateway retries for 3.5 days: a row that goes sooner would come back, in part."""

LONGEST_DAYS = 36_500


def _long_enough(days: int) -> int:
    if 0 < days < LEAST_DAYS:
        raise ValueError(f"0 for ever, or {LEAST_DAYS} days and more: the gateway retries for 3.5 days")
    return days


Days = Annotated[int, Field(ge=0, le=LONGEST_DAYS), AfterValidator(_long_enough)]
"""How long rows are kept; 0 is for ever."""


class RetentionSettings(Environment):
    """Days count from the receipt or the event; 0 means for ever, else at least seven."""

    seven_keep_payloads_days: Days = Field(90, description="Payloads of applied deliveries.")
    seven_keep_unapplied_days: Days = Field(365, description="Payloads of dead, parked and discarded deliveries.")
    seven_keep_deliveries_days: Days = Field(
        365, description="Rows of deliveries, once their payload is not needed any more. Open dead letters stay."
    )
    seven_keep_histories_days: Days = Field(
        365, description="Statuses of messages and calls, clicks and views, one by one."
    )
    seven_keep_texts_days: Days = Field(
        365, description="Texts of inbound SMS. Payloads hold them too, so those may not be kept longer."
    )
    seven_keep_inbound_messages_days: Days = Field(1095, description="Rows of inbound SMS, with the numbers in them.")
    seven_keep_calls_days: Days = Field(1095, description="Rows of calls, with the numbers in them.")
    seven_keep_messages_days: Days = Field(0, description="Rows of messages, after their last change.")
    seven_keep_sent_messages_days: Days = Field(
        400, description="Rows of sent_messages, which SEVEN_JOURNAL_SENT reads, with the numbers in them."
    )
    seven_keep_sent_texts_days: Days = Field(90, description="Texts of sent_messages, which SEVEN_JOURNAL_TEXTS reads.")
    seven_keep_links_days: Days = Field(0, description="Rows of links, after their last change.")
    seven_keep_hook_changes_days: Days = Field(1095, description="Changes of hooks, and webhooks that never came.")
    seven_retain_s: float = Field(
        900.0, ge=1, description="Seconds between two passes of retention, each of two minutes at most."
    )

    @field_validator("seven_keep_texts_days")
    @classmethod
    def _not_outlived_by_payloads(cls, days: int, info: ValidationInfo) -> int:
        for name in ("seven_keep_payloads_days", "seven_keep_unapplied_days"):
            payload_days = info.data.get(name, days)
            if days and (not payload_days or payload_days > days):
                raise ValueError(f"payloads hold the texts, too: set {name.upper()} to as many days, or fewer")
        return days

    def before(self, name: str, now: datetime) -> datetime | None:
        """Rows older than that go, by the setting `seven_keep_<name>_days`; None for a setting of 0."""
        days: int = getattr(self, f"seven_keep_{name}_days")
        return now - timedelta(days=days) if days else None
