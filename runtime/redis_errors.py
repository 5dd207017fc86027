"""Redis errors: why Redis does not answer, or refuses, as every process, command and log says it."""

import re

from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFoundError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import MasterNotFoundError

from runtime.network_errors import chain, describe, network_failure

_WORDS = {
    "NOAUTH": "it requires a password",
    "WRONGPASS": "it refuses user or password",
    "LOADING": "it is loading its data",
    "READONLY": "it is a replica",
    "MASTERDOWN": "it is a replica without its primary",
    "OOM": "its memory is full",
    "MISCONF": "it cannot write to its disk",
    "BUSY": "a script keeps it busy",
    "NOREPLICAS": "too few replicas answer",
    "UNBLOCKED": "it has become a replica",
    "CLUSTERDOWN": "its cluster is down",
    "MOVED": "it is a cluster, which is not supported",
    "CROSSSLOT": "it is a cluster, which is not supported",
    "NOSCRIPT": "it has forgotten a script",
    "EXECABORT": "it refuses a transaction",
}
"""By the first word of an error that Redis answers."""
_PREFIX = re.compile(r"[A-Z]{3,}\b")
_COMMAND = re.compile(r"'([\w|]+)' (?:command|subcommand)")
_TOO_MANY = re.compile("max number of clients", re.IGNORECASE)
_NO_PASSWORD = re.compile("without any password configured|no password is set", re.IGNORECASE)


class NoPrimary(RedisConnectionError):  # noqa: N818 - describes the servers
    """Sentinels lead to no primary; the message says why in plain words, and names nothing."""


def redis_reason(error: BaseException) -> str:
    """Class, code and a plain word: why TLS or a socket failed, or what Redis answered; never its whole text."""
    return describe(error, _no_primary(error) or _answer(error) or network_failure(error) or _silence(error))


def _no_primary(error: BaseException) -> tuple[str, str] | None:
    """Why sentinels lead nowhere: to our clients, and to those of Celery and Flower."""
    for link in chain(error):
        if isinstance(link, NoPrimary):
            return "", str(link)
        if isinstance(link, MasterNotFoundError | AsyncMasterNotFoundError):
            return "", "no sentinel that answers knows a primary of that name that is up"
    return None


def prefix(error: BaseException) -> str | None:
    """The first word of an error that Redis answered, such as `READONLY`; None if it answered none."""
    for link in chain(error):
        if isinstance(link, RedisError):
            match = _PREFIX.match(getattr(link, "status_code", None) or str(link))
            if match:
                return match[0]
    return None


def _answer(error: BaseException) -> tuple[str, str] | None:
    code = prefix(error)
    if code is None or code == "ERR":
        texts = [str(link) for link in chain(error) if isinstance(link, RedisError)]
        if any(map(_TOO_MANY.search, texts)):
            return "ERR", "it has too many clients"
        if any(map(_NO_PASSWORD.search, texts)):
            return "ERR", "it has no password, and was sent one"
    if code is None:
        return None
    denied = next((link for link in chain(error) if isinstance(link, NoPermissionError)), None)
    return code, missing_right(denied) if denied else _WORDS.get(code, "it answered an error")


def missing_right(error: NoPermissionError) -> str:
    """The missing right behind a refusal, as a rule of an access control list."""
    message = str(error)
    if command := _COMMAND.search(message):
        return f"needs +{command[1]}"
    if "channel" in message:
        return "needs the channels of Celery's remote control (&*)"
    return "needs the keys of ledger and broker (~*)"


def _silence(error: BaseException) -> tuple[str, str] | None:
    """What has neither an answer nor a socket's error."""
    links = [link for link in chain(error) if isinstance(link, RedisError)]
    if any(isinstance(link, RedisTimeoutError) for link in links):
        return "ETIMEDOUT", "no answer in time"
    if any("closed by server" in str(link) for link in links):
        return "ECONNRESET", "it closed the connection"
    return None
