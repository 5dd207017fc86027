"""Settings of the console alone: where it listens, and who may look."""

import re
from dataclasses import dataclass, field
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from runtime.settings.environment import Environment
from runtime.settings.types import SHORTEST_PASSWORD, TextList, reveal, split_list

SEES_TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class ConsoleLogin:
    """A name and a password of the console."""

    name: str
    password: str = field(repr=False)
    sees_texts: bool
    """Whether numbers and texts are shown in full."""

    @classmethod
    def parse(cls, text: str) -> "ConsoleLogin":
        """Parse `name:password` or `name:password:texts`. Raises ValueError, which quotes nothing."""
        name, *rest = text.split(":")
        if not name or len(rest) not in (1, 2) or rest[1:] not in ([], [SEES_TEXTS]):
            raise ValueError(
                f"needs name:password or name:password:{SEES_TEXTS}, several comma-separated; "
                "a password has no colon and no comma"
            )
        if len(rest[0]) < SHORTEST_PASSWORD:
            raise ValueError(f"needs a password of {SHORTEST_PASSWORD} or more characters")
        return cls(name, rest[0], sees_texts=len(rest) == 2)


def parse_console_logins(text: str) -> tuple[ConsoleLogin, ...]:
    """Every login of a comma-separated list. Raises ValueError, also for a name that comes twice and for no login."""
    logins = tuple(ConsoleLogin.parse(login) for login in split_list(text))
    if not logins or len({login.name for login in logins}) < len(logins):
        raise ValueError("needs at least one login, and each name once")
    return logins


def _valid_console_logins(logins: SecretStr) -> SecretStr:
    parse_console_logins(logins.get_secret_value())
    return logins


def _valid_listen_address(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError("host:port is expected, such as 127.0.0.1:8090 or [::1]:8090")
    return address


def _valid_header_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise ValueError("the name of a header is expected, such as X-Forwarded-User")
    return name


ConsoleLogins = Annotated[SecretStr, AfterValidator(_valid_console_logins)]
"""name:password[:texts]; several, comma-separated."""
ListenAddress = Annotated[str, AfterValidator(_valid_listen_address)]
HeaderName = Annotated[str, AfterValidator(_valid_header_name)]


class ConsoleAddressSettings(Environment):
    """Where the console listens."""

    seven_console_address: ListenAddress = Field(
        "127.0.0.1:8090",
        description="host:port where `make up` serves the console, and where docker compose publishes it (profile "
        "`console`).",
    )

    @property
    def console_address(self) -> tuple[str, int]:
        """Host, without the brackets of an IPv6 address, and port."""
        host, _, port = self.seven_console_address.rpartition(":")
        return host.strip("[]"), int(port)


class ConsoleAccessSettings(Environment):
    """Who may look at the console, and who sees numbers and texts."""

    seven_console_auth: ConsoleLogins | None = Field(
        None,
        description="Who may look: name:password, or name:password:texts for full numbers and texts; "
        "several, comma-separated; the password of 8 or more characters. Without it only this machine may look. "
        "Docker compose's profile `console` needs it.",
    )
    seven_console_identity_header: HeaderName | None = Field(
        None,
        description="A header in which a proxy of SEVEN_TRUSTED_PROXIES names the user who has logged in, such as "
        "X-Forwarded-User; that proxy must remove it from what clients send. Anyone it names may look.",
    )
    seven_console_texts_for: TextList = Field(
        (), description="Names in that header that see numbers and texts in full, comma-separated."
    )

    @property
    def console_logins(self) -> tuple[ConsoleLogin, ...]:
        """The logins; empty without SEVEN_CONSOLE_AUTH."""
        text = reveal(self.seven_console_auth)
        return parse_console_logins(text) if text else ()

    @model_validator(mode="after")
    def _names_need_a_header(self) -> Self:
        if self.seven_console_texts_for and not self.seven_console_identity_header:
            raise ValueError("SEVEN_CONSOLE_TEXTS_FOR has no effect without SEVEN_CONSOLE_IDENTITY_HEADER")
        return self
