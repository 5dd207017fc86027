"""Hooks: the subscriptions at the gateway, and the plan that leads from the actual ones to the desired.

Sources: the vendor's webhooks page, a recorded answer of its hooks API, and what its own clients send and read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import urlsplit

ALL = "all"
"""The event type of a hook that receives every event."""

SECRET_HEADER = "X-Hook-Secret"  # noqa: S105 - a name
"""The header that our hooks carry beside the token, where a secret is told."""

TEST_HEADER = "X-Seven-Ingest-Test"
"""Marks a delivery that we sent ourselves: it is kept like any other, and proves nothing about a hook."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Hook:
    """One subscription. `id` is None for one that is only desired; the target URL's path is a secret: it is not shown.

    `headers` is None where the gateway does not tell them: older versions of its API do not, others only where there
    are any.
    """

    target_url: str = field(repr=False)
    event_type: str
    request_method: str = "JSON"
    event_filter: str | None = None
    headers: str | None = field(default=None, repr=False)
    enabled: bool = True
    id: str | None = None

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """A hook as the gateway lists it: ids as number or text, truth as text, keys missing. Never raises."""
        enabled = told.get("enabled", True)
        return cls(
            target_url=str(told.get("target_url") or ""),
            event_type=str(told.get("event_type") or "").strip().lower(),
            request_method=str(told.get("request_method") or "POST").upper(),
            event_filter=_text(told.get("event_filter")),
            headers=None if told.get("headers") is None else normal_headers(str(told["headers"])),
            enabled=str(enabled).lower() not in ("false", "0", "", "none"),
            id=_text(told.get("id")),
        )

    def all_differences(self, desired: "Hook") -> tuple[str, ...]:
        """What is not as desired, the address and the event type included."""
        pairs = (
            ("address", canonical(self.target_url) == canonical(desired.target_url)),
            ("event type", self.event_type == desired.event_type),
        )
        return (*(what for what, same in pairs if not same), *self.differences(desired))

    def differences(self, desired: "Hook") -> tuple[str, ...]:
        """What is not as desired, besides the address and the event type; empty for a hook that does the same."""
        pairs = (
            ("request method", self.request_method == desired.request_method),
            ("filter", _same_filter(self.event_filter, desired.event_filter)),
            ("header", self.headers is None or self.headers == normal_headers(desired.headers or "")),
            ("disabled", self.enabled),
        )
        return tuple(what for what, same in pairs if not same)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where our hooks may point: `{public URL}/hooks/{token}[/{event type}]`, of each the first is current."""

    public_urls: tuple[str, ...] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)

    def current(self, event_type: str) -> str:
        """The address for a hook. One of its own type is told in it, for deliveries that do not say what they are."""
        address = f"{self.public_urls[0]}/hooks/{self.tokens[0]}"
        return address if event_type == ALL else f"{address}/{event_type}"

    def token(self, target_url: str) -> str | None:
        """The token of an address of ours; None for everybody else's, however alike."""
        place = self.place(target_url)
        return place and place[1]

    def place(self, target_url: str) -> tuple[str, str] | None:
        """The public URL and the token of an address of ours, however its host is spelled; None for any other."""
        listed = canonical(target_url)
        for public_url in self.public_urls:
            for token in self.tokens:
                ours = f"{canonical(public_url)}/hooks/{token}"
                rest = listed.removeprefix(ours)
                if listed == ours or (rest != listed and rest[:1] == "/" and _is_word(rest[1:])):
                    return public_url, token
        return None


@dataclass(frozen=True, slots=True)
class Drift:
    """A hook of ours that is there, and not as desired."""

    desired: Hook
    actual: Hook
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes. Empty `missing`, `drifted` and `surplus` mean that all is as desired."""

    matching: tuple[tuple[Hook, Hook], ...] = ()
    """Each desired hook with the actual one that does it."""
    missing: tuple[Hook, ...] = ()
    drifted: tuple[Drift, ...] = ()
    surplus: tuple[Hook, ...] = ()
    """Hooks of ours that are not desired: duplicates, older tokens or addresses, types no longer wanted."""
    overlapping: tuple[Hook, ...] = ()
    """Desired hooks of one type beside one of type `all`: every such event arrives twice, which merges, and costs."""
    strangers: tuple[Hook, ...] = ()
    """Not ours: reported, never touched."""

    @property
    def to_create(self) -> tuple[Hook, ...]:
        """What has to be subscribed: the gateway cannot change a hook, so a drifted one is made anew."""
        return (*self.missing, *(one.desired for one in self.drifted))

    @property
    def to_remove(self) -> tuple[Hook, ...]:
        """What has to go once all that is desired is there."""
        return (*(one.actual for one in self.drifted), *self.surplus)

    @property
    def drift(self) -> int:
        """How many hooks are not as they should be."""
        return len(self.missing) + len(self.drifted) + len(self.surplus)


def headers_are_told(hooks: Iterable[Hook]) -> bool:
    """Whether the gateway tells headers in its list: then a hook without them has none."""
    return any(hook.headers is not None for hook in hooks)


def plan(desired: Sequence[Hook], actual: Iterable[Hook], addresses: Addresses, told: bool | None = None) -> Plan:
    """Compare. Each actual hook serves one desired one at most; what serves none and is ours is surplus.

    `told` says whether the gateway tells headers; without it the list shows that.
    """
    hooks = list(actual)
    strangers = [hook for hook in hooks if addresses.token(hook.target_url) is None]
    ours = [hook for hook in hooks if addresses.token(hook.target_url) is not None]
    if headers_are_told(hooks) if told is None else told:
        ours = [replace(hook, headers=hook.headers or "") for hook in ours]
    matching, open_ = _paired(desired, ours, exactly=True)
    served = {id(found) for _, found in matching}
    drifted, missing = _paired(open_, [hook for hook in ours if id(hook) not in served], exactly=False)
    served |= {id(found) for _, found in drifted}
    return Plan(
        matching=tuple(matching),
        missing=tuple(missing),
        drifted=tuple(Drift(one, found, found.differences(one)) for one, found in drifted),
        surplus=tuple(hook for hook in ours if id(hook) not in served),
        overlapping=_overlapping(desired),
        strangers=tuple(strangers),
    )


def _paired(
    desired: Iterable[Hook], actual: Iterable[Hook], *, exactly: bool
) -> tuple[list[tuple[Hook, Hook]], list[Hook]]:
    """Each desired hook with one at the same address and of the same type, and those that found none."""
    free = list(actual)
    pairs, left = [], []
    for one in desired:
        fits = (
            hook
            for hook in free
            if (canonical(hook.target_url), hook.event_type) == (canonical(one.target_url), one.event_type)
            and not (exactly and hook.differences(one))
        )
        # of several the least different: a filter that is right and a method that is not is the same hook, drifted
        found = min(fits, key=lambda hook: len(hook.differences(one)), default=None)
        if found is None:
            left.append(one)
        else:
            free.remove(found)
            pairs.append((one, found))
    return pairs, left


def _overlapping(desired: Sequence[Hook]) -> tuple[Hook, ...]:
    if not any(hook.event_type == ALL for hook in desired):
        return ()
    return tuple(hook for hook in desired if hook.event_type != ALL)


def canonical(url: str) -> str:
    """A URL as it is compared: scheme and host in lower case and ASCII, without the port that is the default anyway."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        port = parts.port
    except ValueError:  # no URL that anybody could call; UnicodeError is one
        return url
    if not host:
        return url
    host = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{port}"
    credentials, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{credentials}{at}{host}").geturl()


def _same_filter(listed: str | None, desired: str | None) -> bool:
    """Numbers are told with a plus or without."""
    return (listed or "").strip().removeprefix("+") == (desired or "").strip().removeprefix("+")


def _text(told: object) -> str | None:
    return None if told is None or told == "" else str(told)


def normal_headers(told: str) -> str:
    """`Name: value` lines in one order and spelling, so that two tellings of the same headers are equal."""
    lines = (line.partition(":") for line in told.replace("\r", "").split("\n") if line.strip())
    return "\n".join(sorted(f"{name.strip().lower()}: {value.strip()}" for name, _, value in lines))


def _is_word(segment: str) -> bool:
    return bool(segment) and not set(segment) & set("/?#")
