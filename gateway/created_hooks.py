"""Created hooks: never create one again while the gateway may still have it under another spelling.

A gateway that lists a hook differently from how it was created, or lists only some hooks, would otherwise get another
one at every run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.hook_evidence import Hold
from gateway.hook_state import DAY_MS, CreatedHook
from ledger.keyspace import fingerprint
from seven.hook_urls import canonical
from seven.hooks import SECRET_HEADER, Hook, normal_headers

MOST_IN_A_DAY = 3
"""How often within a day a hook that was listed and vanished is created again: it hides, or someone removes it."""


def hook_fingerprint(desired: Hook) -> str:
    """A fingerprint of everything that determines the effect of a desired hook."""
    identity = (canonical(desired.target_url), desired.event_type, desired.request_method, desired.event_filter)
    return fingerprint(repr((*identity, normal_headers(desired.headers or ""))))


def creation_hold(
    desired: Hook,
    actual: Iterable[Hook],
    created: Iterable[CreatedHook],
    now_ms: int,
    *,
    recreate_unlisted: bool = False,
) -> Hold | None:
    """Why this missing or drifted hook must not be created now; None where it may be.

    With `recreate_unlisted` a person asserts that created hooks that were never listed are gone.
    """
    listed = {hook.id: hook for hook in actual}
    wanted = hook_fingerprint(desired)
    earlier = [entry for entry in created if entry.fingerprint == wanted]
    recent = [entry for entry in earlier if abs(now_ms - entry.at_ms) < DAY_MS]
    for entry in earlier:
        if not entry.listed and (hook := listed.get(entry.id)):
            differences = ", ".join(hook.all_differences(desired)) or "more than one of it"
            return Hold(
                "listed_otherwise",
                f"hook {entry.id}, made for {desired.event_type}, is listed with another: {differences}",
            )
    for entry in earlier:
        if not entry.listed and not recreate_unlisted:
            return Hold(
                "not_listed", f"hook {entry.id}, made for {desired.event_type}, is not listed; the list may be cut"
            )
    if sum(entry.id not in listed for entry in recent) >= MOST_IN_A_DAY:
        return Hold("vanishes", f"a hook for {desired.event_type} vanished {MOST_IN_A_DAY} times within a day")
    return None


def after_read(
    created: Sequence[CreatedHook], matching: Iterable[Hook], actual: Iterable[Hook], now_ms: int
) -> tuple[CreatedHook, ...]:
    """The created hooks to remember after a read: not those that were listed once and have been gone for a day."""
    matching_ids, listed_ids = {hook.id for hook in matching}, {hook.id for hook in actual}
    entries = (replace(entry, listed=entry.listed or entry.id in matching_ids) for entry in created)
    return tuple(
        entry for entry in entries if not entry.listed or entry.id in listed_ids or abs(now_ms - entry.at_ms) < DAY_MS
    )


def headers_fingerprint(hook: Hook) -> str:
    """A fingerprint of a hook's headers, which reveals none of them."""
    return fingerprint(normal_headers(hook.headers or ""))


def are_headers_known(desired: Iterable[Hook], actual: Iterable[Hook], known: Mapping[str, str]) -> bool:
    """Whether a hook is listed with the headers of a desired one, or is known to have been created with them."""
    fingerprints = {headers_fingerprint(hook) for hook in actual if hook.headers is not None} | set(known.values())
    return any(headers_fingerprint(hook) in fingerprints for hook in desired)


def with_known_headers(hook: Hook, known: Mapping[str, str], desired: Sequence[Hook]) -> Hook:
    """The hook with the headers that it was created with.

    A hook of unknown headers counts as having the desired ones, except where these contain a secret of ours.
    `known` maps the id of each hook to the fingerprint of the headers that it was created with.
    """
    headers_by_fingerprint = {headers_fingerprint(wanted): wanted.headers for wanted in desired}
    known_fingerprint = known.get(str(hook.id))
    if known_fingerprint is not None:
        if known_fingerprint not in headers_by_fingerprint:
            return replace(hook, headers="others")
        return replace(hook, headers=normal_headers(headers_by_fingerprint[known_fingerprint] or ""))
    has_secret = any(SECRET_HEADER in (headers or "") for headers in headers_by_fingerprint.values())
    return replace(hook, headers="" if has_secret else None)
