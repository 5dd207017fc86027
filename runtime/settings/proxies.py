"""Settings of processes behind a proxy."""

from pydantic import Field, field_validator

from runtime.ip_address import canonical_network
from runtime.settings.environment import Environment
from runtime.settings.types import TextList


class ProxySettings(Environment):
    """Which proxies are believed."""

    seven_trusted_proxies: TextList = Field(
        (),
        description="Proxies whose X-Forwarded-For is trusted: addresses and networks, comma-separated. Docker "
        "compose sets the private networks: there only the proxy reaches receiver and console.",
    )

    @field_validator("seven_trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                canonical_network(proxy)
            except ValueError:
                raise ValueError("addresses and networks are expected, such as 10.0.0.7 or 10.0.0.0/8") from None
        return proxies
