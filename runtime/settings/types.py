"""Types of settings: lists, secrets, URLs, ports."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from runtime.database_url import DatabaseServer
from runtime.redis_url import RedisServer
from runtime.server_url import check_host, check_text

SHORTEST_TOKEN = 8
GOOD_TOKEN = 20
SHORTEST_PASSWORD = 8
HOW_TO_MAKE_ONE = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"

Mode = Literal["off", "observe", "enforce"]
"""What a verifier does: nothing; verify, count and accept; refuse what fails."""

Port = Annotated[int, Field(ge=1, le=65535)]


def split_list(text: str) -> list[str]:
    """The values of a comma-separated list, without blank ones."""
    return [value.strip() for value in text.split(",") if value.strip()]


_COMMA_SEPARATED = BeforeValidator(lambda value: split_list(value) if isinstance(value, str) else value)


def _valid_key(key: SecretStr) -> SecretStr:
    try:
        key.get_secret_value().encode()
    except UnicodeEncodeError:  # the interpreter reads such a byte as a lone surrogate
        raise ValueError("a byte that is not UTF-8 is in it") from None
    return key


Key = Annotated[SecretStr, AfterValidator(_valid_key)]
"""A secret with which something is hashed or signed."""
Secrets = Annotated[tuple[Key, ...], NoDecode, _COMMA_SEPARATED]
TextList = Annotated[tuple[str, ...], NoDecode, _COMMA_SEPARATED]


def check_token(token: str) -> None:
    """Raise ValueError for a hook token that is too short, or that a URL's path cannot carry unescaped."""
    if not re.fullmatch(rf"[\w.~-]{{{SHORTEST_TOKEN},}}", token, re.ASCII):
        raise ValueError(
            f"each token needs {SHORTEST_TOKEN} or more characters of A-Z a-z 0-9 . _ ~ -; {HOW_TO_MAKE_ONE}"
        )


def check_logins(logins: str) -> None:
    """Raise ValueError unless each of comma-separated logins is a name and a password that is not among the worst."""
    for login in logins.split(","):
        name, _, password = login.partition(":")
        if not name.strip() or len(password.strip()) < SHORTEST_PASSWORD:
            raise ValueError(f"needs name:password, the password of {SHORTEST_PASSWORD} or more characters")


def _valid_logins(logins: SecretStr) -> SecretStr:
    check_logins(logins.get_secret_value())
    return logins


def _valid_tokens(tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for token in tokens:
        check_token(token.get_secret_value())
    return tokens


def _valid_http_url(url: str) -> str:
    check_text(url)
    expected = ValueError("scheme://host[/prefix] is expected")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise expected from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise expected
    check_host(parts.hostname)
    return url


def _valid_urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_valid_http_url(url).rstrip("/") for url in urls)


def _valid_redis_url(url: SecretStr) -> SecretStr:
    RedisServer.parse(url.get_secret_value())
    return url


def _valid_database_url(url: SecretStr) -> SecretStr:
    DatabaseServer.parse(url.get_secret_value())
    return url


def _valid_api_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", key.get_secret_value()):
        raise ValueError("a key of ASCII letters and digits is expected; were quotes or dots pasted along?")
    return key


Tokens = Annotated[Secrets, AfterValidator(_valid_tokens)]
PublicUrls = Annotated[TextList, AfterValidator(_valid_urls)]
HttpUrl = Annotated[str, AfterValidator(_valid_http_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_valid_redis_url)]
"""A REDIS_URL that every client of ours can use."""
Logins = Annotated[SecretStr, AfterValidator(_valid_logins)]
"""name:password; several, comma-separated."""
DatabaseUrl = Annotated[SecretStr, AfterValidator(_valid_database_url)]
"""A DATABASE_URL with which a connection can be tried."""
ApiKey = Annotated[SecretStr, AfterValidator(_valid_api_key)]


def reveal(secret: SecretStr | None) -> str | None:
    """The secret's text; None for none."""
    return None if secret is None else secret.get_secret_value()


def reveal_all(secrets: tuple[SecretStr, ...]) -> tuple[str, ...]:
    """The secrets' texts."""
    return tuple(secret.get_secret_value() for secret in secrets)
