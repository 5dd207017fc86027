"""Machine: room on its disks, open files, unknown settings, and access to Flower."""

import os
import resource
import shutil
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path

import httpx2

from operations.checks.ages import size
from operations.checks.check import Check, good, warning, wrong
from operations.checks.trust import trusted
from runtime.ip_address import canonical_address

LEAST_FREE = 1024**3
LEAST_FREE_PART = 0.1
FEWEST_FILES = 1024


def free(places: Mapping[str, Path]) -> Mapping[str, tuple[int, int]]:
    """Bytes free and in total where each directory is or would be; in a container that is Docker's own disk."""
    disks = {}
    for name, place in places.items():
        directory = next(path for path in (place.absolute(), *place.absolute().parents) if os.path.isdir(path))
        usage = shutil.disk_usage(directory)
        disks[name] = (usage.free, usage.total)
    return disks


def open_files() -> int:
    """How many files and connections this process, and others started like it, may open; below 0 without a limit."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def flower_status(url: str) -> int | None:
    """Flower's answer to a request without a password; None when it is unreachable from here."""
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/", timeout=2, trust_env=False, verify=trusted(), follow_redirects=False)
    except httpx2.HTTPError:
        return None
    return answer.status_code


def is_local(host: str | None) -> bool:
    """Whether a URL's host is this machine; without one it is a socket or a file on it."""
    try:
        return not host or host == "localhost" or ip_address(canonical_address(host) or host).is_loopback
    except ValueError:
        return False


def checks(
    disks: Mapping[str, tuple[int, int]],
    files: int,
    unknown_settings: Iterable[tuple[str, str]],
    flower: int | None,
    *,
    alone: bool,
) -> Iterator[Check]:
    """All of it. `alone`: Flower listens on this machine's loopback only."""
    for place, (left, total) in disks.items():
        yield _disk(place, left, total)
    yield open_files_check("open files here", files)
    for name, nearest in unknown_settings:
        yield warning("settings", f"unknown setting {name}", f"did you mean {nearest}?")
    if flower is not None:
        yield _flower(flower, alone=alone)


def open_files_check(name: str, fewest: int) -> Check:
    """Whether a process may open enough files and connections; below 0 means any number."""
    if 0 <= fewest < FEWEST_FILES:
        return warning(name, f"{fewest} at most", f"ulimit -n {FEWEST_FILES} or more")
    return good(name, "enough")


def _disk(place: str, left: int, total: int) -> Check:
    name, finding = f"disk of {place}", f"{size(left)} of {size(total)} free"
    remedy = "make room: tables grow (deploy/operate.md, Sizes), and SEVEN_KEEP_… bounds them"
    if left < LEAST_FREE:
        return wrong(name, finding, remedy)
    if left < total * LEAST_FREE_PART:
        return warning(name, finding, remedy)
    return good(name, finding)


def _flower(status: int, *, alone: bool) -> Check:
    if status == 401:
        return good("Flower", "asks for a password")
    if 300 <= status < 400:  # OAuth
        return good("Flower", "redirects, as to a login")
    if status >= 500:
        return warning("Flower", f"answers {status}", "look at its log")
    if alone:
        return good("Flower", "open to everyone on this machine, and to them only")
    return wrong("Flower", "open to everyone", "set FLOWER_BASIC_AUTH, and restart it")
