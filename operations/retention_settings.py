"""Keeping: how long each table keeps what it holds, as the operator says; `docs/retention.md` gives the reasons."""

from datetime import datetime, timedelta

from pydantic import Field, ValidationInfo, field_validator

from runtime.settings import Environment

LEAST_DAYS = 7
"""The gateway comes again for 3.5 days: what goes sooner would come back, in part."""

LONGEST_DAYS = 36_500


def _days(default: int, description: str) -> int:
    """A setting of days. The library wants it typed as what it holds."""
    told: int = Field(default, ge=0, le=LONGEST_DAYS, description=f"Days {description}; 0 for ever.")
    return told


class RetentionSettings(Environment):
    """What retention is told. Days count from the receipt or the event; 0 means for ever, else seven at least."""

    seven_retain_s: float = Field(900.0, ge=1, description="Seconds between two passes of retention.")
    seven_keep_payloads_days: int = _days(90, "that payloads of applied deliveries are kept")
    seven_keep_unapplied_days: int = _days(365, "that payloads of dead, parked and discarded deliveries are kept")
    seven_keep_deliveries_days: int = _days(365, "that rows of deliveries are kept")
    seven_keep_histories_days: int = _days(365, "that statuses, clicks and views are kept one by one")
    seven_keep_texts_days: int = _days(365, "that texts of inbound SMS are kept; payloads hold them too")
    seven_keep_inbound_messages_days: int = _days(1095, "that inbound SMS are kept")
    seven_keep_calls_days: int = _days(1095, "that calls are kept")
    seven_keep_messages_days: int = _days(0, "that messages are kept after their last change")
    seven_keep_links_days: int = _days(0, "that links are kept after their last change")
    seven_keep_hook_changes_days: int = _days(1095, "that changes of hooks are kept")

    @field_validator("*")
    @classmethod
    def _long_enough(cls, told: object, info: ValidationInfo) -> object:
        if (info.field_name or "").startswith("seven_keep_") and isinstance(told, int) and 0 < told < LEAST_DAYS:
            raise ValueError(f"0 for ever, or {LEAST_DAYS} days and more: the gateway's retries come for 3.5 days")
        return told

    @field_validator("seven_keep_texts_days")
    @classmethod
    def _outlived_by_no_payload(cls, told: int, info: ValidationInfo) -> int:
        for name in ("seven_keep_payloads_days", "seven_keep_unapplied_days"):
            payloads = info.data.get(name, told)
            if told and (not payloads or payloads > told):
                raise ValueError(f"payloads hold the texts, too: set {name.upper()} to as many days, or fewer")
        return told

    def before(self, name: str, now: datetime) -> datetime | None:
        """What is older than that is not kept, by the setting `seven_keep_<name>_days`; None for a setting of 0."""
        days: int = getattr(self, f"seven_keep_{name}_days")
        return now - timedelta(days=days) if days else None
