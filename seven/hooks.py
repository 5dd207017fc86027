"""Hooks: the subscriptions at the gateway, and the plan that turns the actual ones into the desired ones.

Sources: the vendor's webhooks page, a recorded answer of its hooks API, and the source of its own clients.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from seven.events import canonical_name
from seven.hook_urls import canonical, place

ALL = "all"
"""The event type of a hook that receives every event."""

SECRET_HEADER = "X-Hook-Secret"  # noqa: S105 - a name
"""The header that carries the hook secret, where one is configured; the token is in the URL."""

TEST_HEADER = "X-Seven-Ingest-Test"
"""Marks a delivery that we sent ourselves: it is stored like any other, but does not prove that a hook works."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One subscription. `id` is None for a desired hook. The path of the target URL is a secret, so `repr` omits it.

    `headers` is None where the gateway does not list them: older versions of its API never do, newer ones omit empty
    ones.
    """

    target_url: str = field(repr=False)
    event_type: str
    request_method: str = "JSON"
    event_filter: str | None = None
    headers: str | None = field(default=None, repr=False)
    enabled: bool = True
    id: str | None = None
    registered_as: str | None = None
    """Its event type at the gateway, where that is another name of `event_type`."""

    @classmethod
    def parse(cls, listed: Mapping[str, Any]) -> Self:
        """Parse a hook of the gateway's list: ids are numbers or text, booleans text, keys missing. Never raises."""
        enabled = listed.get("enabled", True)
        name = str(listed.get("event_type") or "").strip().lower()
        event_type = canonical_name(name)
        return cls(
            target_url=str(listed.get("target_url") or ""),
            event_type=event_type,
            request_method=str(listed.get("request_method") or "POST").upper(),
            event_filter=_text(listed.get("event_filter")),
            headers=None if listed.get("headers") is None else normal_headers(str(listed["headers"])),
            enabled=str(enabled).lower() not in ("false", "0", "", "none"),
            id=_text(listed.get("id")),
            registered_as=name if name != event_type else None,
        )

    def all_differences(self, desired: "Hook") -> tuple[str, ...]:
        """The properties that differ from the desired hook, including address and event type."""
        pairs = (
            ("address", place(self.target_url) == place(desired.target_url)),
            ("event type", self.event_type == desired.event_type),
        )
        return (*(name for name, same in pairs if not same), *self.differences(desired))

    def differences(self, desired: "Hook") -> tuple[str, ...]:
        """The properties that differ from the desired hook, except address and event type."""
        pairs = (
            ("request method", self.request_method == desired.request_method),
            ("filter", _same_filter(self.event_filter, desired.event_filter)),
            ("header", self.headers is None or self.headers == normal_headers(desired.headers or "")),
            ("disabled", self.enabled),
        )
        return tuple(name for name, same in pairs if not same)


@dataclass(frozen=True, slots=True)
class Addresses:
    """The target URLs of our hooks: `{public URL}/hooks/{token}[/{event type}]`. The first of each is current."""

    public_urls: tuple[str, ...] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)

    def current(self, event_type: str) -> str:
        """The target URL of a new hook. It names the event type, for deliveries that do not."""
        address = f"{self.public_urls[0]}/hooks/{self.tokens[0]}"
        return address if event_type == ALL else f"{address}/{event_type}"

    def token(self, target_url: str) -> str | None:
        """The token in an address of ours; None for any other address, however similar."""
        match = self.match(target_url)
        return match and match[1]

    def match(self, target_url: str) -> tuple[str, str] | None:
        """The public URL and the token in an address of ours, however its host is spelled; None for any other."""
        listed = canonical(target_url)
        for public_url in self.public_urls:
            for token in self.tokens:
                ours = f"{canonical(public_url)}/hooks/{token}"
                rest = listed.removeprefix(ours)
                if listed == ours or (rest != listed and rest[:1] == "/" and _is_segment(rest[1:])):
                    return public_url, token
        return None


@dataclass(frozen=True, slots=True)
class Drift:
    """A hook of ours that exists, but differs from the desired one."""

    desired: Hook
    actual: Hook
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes to be made. All is as desired when `missing`, `drifted` and `surplus` are empty."""

    matching: tuple[tuple[Hook, Hook], ...] = ()
    """Pairs of a desired hook and the actual one that fulfils it; or several under different names of its type."""
    missing: tuple[Hook, ...] = ()
    drifted: tuple[Drift, ...] = ()
    surplus: tuple[Hook, ...] = ()
    """Hooks of ours that are not desired: duplicates, old tokens or addresses, event types no longer wanted."""
    overlapping: tuple[Hook, ...] = ()
    """Desired hooks of one type beside one of type `all`: each such event arrives twice. They merge, at a cost."""
    strangers: tuple[Hook, ...] = ()
    """Hooks with other addresses than ours: reported, never touched."""

    @property
    def to_create(self) -> tuple[Hook, ...]:
        """The hooks to subscribe. The gateway cannot change a hook, so a drifted one is created again."""
        return (*self.missing, *(drift.desired for drift in self.drifted))

    @property
    def to_remove(self) -> tuple[Hook, ...]:
        """The hooks to unsubscribe, once every desired hook exists."""
        return (*(drift.actual for drift in self.drifted), *self.surplus)

    @property
    def ours(self) -> tuple[Hook, ...]:
        """The actual hooks with an address of ours, as desired or not."""
        return (*(actual for _, actual in self.matching), *self.to_remove)

    @property
    def drift(self) -> int:
        """How many hooks differ from the desired state."""
        return len(self.missing) + len(self.drifted) + len(self.surplus)


def lists_headers(hooks: Iterable[Hook]) -> bool:
    """Whether the gateway lists headers: then a hook without them has none."""
    return any(hook.headers is not None for hook in hooks)


def plan(
    desired: Sequence[Hook], actual: Iterable[Hook], addresses: Addresses, headers_listed: bool | None = None
) -> Plan:
    """Compare. Each actual hook fulfils at most one desired one; a hook of ours that fulfils none is surplus.

    `headers_listed`: whether the gateway lists headers; None infers it from the list.
    """
    hooks = list(actual)
    strangers = [hook for hook in hooks if addresses.token(hook.target_url) is None]
    ours = [hook for hook in hooks if addresses.token(hook.target_url) is not None]
    if lists_headers(hooks) if headers_listed is None else headers_listed:
        ours = [replace(hook, headers=hook.headers or "") for hook in ours]
    matching, unmatched = _pair(desired, ours, exactly=True)
    used = {id(hook) for _, hook in matching}
    drifted, missing = _pair(unmatched, [hook for hook in ours if id(hook) not in used], exactly=False)
    used |= {id(hook) for _, hook in drifted}
    also = [pair for pair in _of_other_names(desired, ours) if id(pair[1]) not in used]
    used |= {id(hook) for _, hook in also}
    return Plan(
        matching=(*matching, *also),
        missing=tuple(missing),
        drifted=tuple(Drift(wanted, hook, hook.differences(wanted)) for wanted, hook in drifted),
        surplus=tuple(hook for hook in ours if id(hook) not in used),
        overlapping=_overlapping(desired),
        strangers=tuple(strangers),
    )


def _of_other_names(desired: Sequence[Hook], ours: Iterable[Hook]) -> Iterator[tuple[Hook, Hook]]:
    """The hooks that are as desired, but registered under another name of the event type, each with the desired one.

    At the gateway such names may stand for different events: the hook of one is no repeat of another's, so it stays.
    """
    for hook in ours:
        for wanted in desired:
            if hook.registered_as and not hook.all_differences(wanted):
                yield wanted, hook
                break


def _pair(
    desired: Iterable[Hook], actual: Iterable[Hook], *, exactly: bool
) -> tuple[list[tuple[Hook, Hook]], list[Hook]]:
    """Pair each desired hook with an actual one of the same address and type; and the desired hooks without one."""
    free = list(actual)
    pairs, unmatched = [], []
    for wanted in desired:
        candidates = (
            hook
            for hook in free
            if (place(hook.target_url), hook.event_type) == (place(wanted.target_url), wanted.event_type)
            and not (exactly and hook.differences(wanted))
        )
        # the least different: the right filter with the wrong method is the same hook, drifted
        closest = min(
            candidates, key=lambda hook: (len(hook.differences(wanted)), bool(hook.registered_as)), default=None
        )
        if closest is None:
            unmatched.append(wanted)
        else:
            free.remove(closest)
            pairs.append((wanted, closest))
    return pairs, unmatched


def _overlapping(desired: Sequence[Hook]) -> tuple[Hook, ...]:
    if not any(hook.event_type == ALL for hook in desired):
        return ()
    return tuple(hook for hook in desired if hook.event_type != ALL)


def _same_filter(listed: str | None, desired: str | None) -> bool:
    """Whether two filters are equal. The gateway lists numbers with or without a plus."""
    return (listed or "").strip().removeprefix("+") == (desired or "").strip().removeprefix("+")


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def normal_headers(headers: str) -> str:
    """`Name: value` lines in canonical order and spelling, so that equal headers compare equal."""
    lines = (line.partition(":") for line in headers.replace("\r", "").split("\n") if line.strip())
    return "\n".join(sorted(f"{name.strip().lower()}: {value.strip()}" for name, _, value in lines))


def _is_segment(text: str) -> bool:
    return bool(text) and not set(text) & set("/?#")
