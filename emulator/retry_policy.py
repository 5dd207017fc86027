"""Retrying: what the gateway makes of an answer, and when it tries again."""

from dataclasses import dataclass

MINUTE_S = 60.0
HOUR_S = 3600.0

RETRIED = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the gateway tries again, as it does after a timeout or a broken connection. Nothing says that it
heeds Retry-After."""

WAITS_S = (
    *(1 * MINUTE_S, 5 * MINUTE_S, 30 * MINUTE_S, 60 * MINUTE_S, 2 * HOUR_S),
    # The vendor's page is cut here; up to 14 attempts over about 3.5 days leave steps like these.
    *(6 * HOUR_S, 8 * HOUR_S, 10 * HOUR_S, 10 * HOUR_S, 10 * HOUR_S, 12 * HOUR_S, 12 * HOUR_S, 12 * HOUR_S),
)
"""Seconds between each attempt and the next: 14 attempts."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The gateway's patience (its webhooks page, section "Delivery & retries"), with time compressed."""

    compression: float = 300.0
    """Seconds of the gateway's in one of ours: at 300 its minute is 0.2 s, its three and a half days are 17 min."""
    timeout_s: float = 5.0
    """Ours for one attempt, not compressed: a receiver is not faster for being watched."""
    waits_s: tuple[float, ...] = WAITS_S

    def wait_s(self, attempts: int) -> float | None:
        """Our seconds until the next attempt after so many; None when the gateway gives up."""
        return self.waits_s[attempts - 1] / self.compression if attempts <= len(self.waits_s) else None


def is_success(status: int) -> bool:
    """Whether the gateway is content. It takes a redirect for success and never follows one."""
    return 200 <= status < 400
