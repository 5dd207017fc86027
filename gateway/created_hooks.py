"""Made hooks: what we created is never created again while the gateway may still have it under another spelling.

A gateway that lists a hook otherwise than it was told, or lists only some, would else be given one more at every run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.hook_evidence import Hold
from gateway.hook_state import DAY_MS, CreatedHook
from ledger.keyspace import fingerprint
from seven.hooks import SECRET_HEADER, Hook, canonical, normal_headers

MOST_IN_A_DAY = 3
"""So many times a hook that was listed and vanished is created again within a day: it hides, or someone removes it."""


def mark_of(desired: Hook) -> str:
    """A fingerprint of what a desired hook does."""
    does = (canonical(desired.target_url), desired.event_type, desired.request_method, desired.event_filter)
    return fingerprint(repr((*does, normal_headers(desired.headers or ""))))


def hindrance(
    desired: Hook, actual: Iterable[Hook], made: Iterable[CreatedHook], now_ms: int, *, again: bool = False
) -> Hold | None:
    """Why a desired hook that is not listed as it should be must not be created now; None where it may.

    With `again` a person says that those which were never listed are gone.
    """
    listed = {hook.id: hook for hook in actual}
    earlier = [one for one in made if one.mark == mark_of(desired)]
    recent = [one for one in earlier if abs(now_ms - one.at_ms) < DAY_MS]
    for one in earlier:
        if not one.listed and (hook := listed.get(one.id)):
            what = ", ".join(hook.all_differences(desired)) or "more than one of it"
            return Hold(
                "listed_otherwise", f"hook {one.id}, made for {desired.event_type}, is listed with another: {what}"
            )
    for one in earlier:
        if not one.listed and not again:
            return Hold(
                "not_listed", f"hook {one.id}, made for {desired.event_type}, is not listed; the list may be cut"
            )
    if sum(one.id not in listed for one in recent) >= MOST_IN_A_DAY:
        return Hold("vanishes", f"a hook for {desired.event_type} vanished {MOST_IN_A_DAY} times within a day")
    return None


def remembered(
    made: Sequence[CreatedHook], matching: Iterable[Hook], actual: Iterable[Hook], now_ms: int
) -> tuple[CreatedHook, ...]:
    """What is still to be known of them after a read: not those that were listed once and have been gone for a day."""
    as_made, listed = {hook.id for hook in matching}, {hook.id for hook in actual}
    marked = (replace(one, listed=one.listed or one.id in as_made) for one in made)
    return tuple(one for one in marked if not one.listed or one.id in listed or abs(now_ms - one.at_ms) < DAY_MS)


def header_mark(hook: Hook) -> str:
    """A name for a hook's headers that gives nothing of them away."""
    return fingerprint(normal_headers(hook.headers or ""))


def with_known_headers(hook: Hook, known: Mapping[str, str], desired: Sequence[Hook]) -> Hook:
    """Of a hook of which nothing is known it is believed that it has what is desired; but for a secret of ours.

    `known` is the mark of the headers that each hook was made with, by its id.
    """
    wanted = {header_mark(one): one.headers for one in desired}
    mark = known.get(str(hook.id))
    if mark is not None:
        return replace(hook, headers=normal_headers(wanted[mark] or "") if mark in wanted else "others")
    return replace(hook, headers="" if any(SECRET_HEADER in (one or "") for one in wanted.values()) else None)
