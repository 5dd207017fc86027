"""What this machine has: room on its disks, open files, settings that nobody knows, and Flower's door."""

import resource
import shutil
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path

import httpx2

from cli.checks import Check, good, warning, wrong
from cli.output.terminal import near
from cli.status_judging import size

LEAST_FREE = 1024**3
LEAST_FREE_PART = 0.1
FEWEST_FILES = 1024


def free(places: Iterable[Path]) -> Mapping[str, tuple[int, int]]:
    """Bytes free and in all where each of these directories is, or would be: in a container on Docker's own disk."""
    found = {}
    for place in places:
        there = next(one for one in (place.absolute(), *place.absolute().parents) if one.is_dir())
        usage = shutil.disk_usage(there)
        found[near(there)] = (usage.free, usage.total)
    return found


def open_files() -> int:
    """How many files and connections this process, and who is started like it, may have open; below 0 for no bound."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def flower_status(url: str) -> int | None:
    """What Flower answers to somebody without a password; None when it cannot be reached from here."""
    try:
        return httpx2.get(f"{url.rstrip('/')}/", timeout=2, trust_env=False, follow_redirects=False).status_code
    except httpx2.HTTPError:
        return None


def is_local(host: str | None) -> bool:
    """Whether a host of a URL is this machine; without one it is a socket, or a file, of it."""
    try:
        return not host or host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def checks(
    disks: Mapping[str, tuple[int, int]],
    files: int,
    strangers: Iterable[tuple[str, str]],
    flower: int | None,
    *,
    alone: bool,
) -> Iterator[Check]:
    """Everything about it. `alone`: Flower listens on this machine's loopback only."""
    for place, (left, all_) in disks.items():
        yield _disk(place, left, all_)
    if 0 <= files < FEWEST_FILES:
        yield warning("open files here", f"{files} at most", f"ulimit -n {FEWEST_FILES} or more")
    else:
        yield good("open files here", "enough")
    for name, nearest in strangers:
        yield warning("settings", f"nobody knows {name}", f"did you mean {nearest}?")
    if flower is not None:
        yield _flower(flower, alone=alone)


def _disk(place: str, left: int, all_: int) -> Check:
    name, said = f"disk of {place}", f"{size(left)} of {size(all_)} free"
    cure = "make room: what is kept grows (deploy/README.md, Sizes), and SEVEN_KEEP_… bounds it"
    if left < LEAST_FREE:
        return wrong(name, said, cure)
    if left < all_ * LEAST_FREE_PART:
        return warning(name, said, cure)
    return good(name, said)


def _flower(status: int, *, alone: bool) -> Check:
    if status == 401:
        return good("Flower", "asks for a password")
    if 300 <= status < 400:  # OAuth
        return good("Flower", "leads strangers elsewhere, as to a login")
    if status >= 500:
        return warning("Flower", f"answers {status}", "look at its log")
    if alone:
        return good("Flower", "lets everybody in who is on this machine")
    return wrong("Flower", "lets everybody in", "set FLOWER_BASIC_AUTH, and restart it")
