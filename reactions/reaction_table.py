"""Reaction table: one [[reaction]] of the file, read key by key, so that all of its faults are listed at once."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from reactions.change_data import fields_of
from reactions.function_check import function_fault
from reactions.reaction import DAY_S, FunctionTarget, Reaction, UrlTarget
from reactions.secret_file import read_secrets
from reactions.target_url import url_faults
from seven import topics
from seven.hooks import Addresses

KEYS = (
    "name", "on", "url", "call", "secret_file", "where", "payload", "max_age_days", "timeout_s", "concurrency",
    "heartbeat_minutes", "allow_http", "allow_link_local",
)  # fmt: skip
OF_URLS = ("secret_file", "allow_http", "allow_link_local")
LONGEST_NAME = 40
URL_TIMEOUT_S, CALL_TIMEOUT_S = 15.0, 30.0
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")

Number = TypeVar("Number", int, float)


class ReactionTable:
    """One table, with what is wrong with it."""

    def __init__(self, position: int, values: Mapping[str, Any], directory: Path) -> None:
        self._values, self._directory = values, directory
        self._faults: list[tuple[str, str]] = []
        self.name = self._name()
        self._label = f"reaction {self.name}" if self.name else f"reaction {position}"

    @property
    def faults(self) -> list[str]:
        """Each names the reaction and the key; none quotes a secret or a URL."""
        return [f"{self._label}, {key}: {fault}" for key, fault in self._faults]

    def add_fault(self, key: str, fault: str) -> None:
        """Note what is wrong."""
        self._faults.append((key, fault))

    def read(self, own: Addresses) -> Reaction | None:
        """The reaction; None if anything is wrong with it."""
        self._report_unknown_keys()
        subscribed = self._topics()
        target = self._target(own)
        where = self._where(subscribed)
        default_s = CALL_TIMEOUT_S if isinstance(target, FunctionTarget) else URL_TIMEOUT_S
        payload = self._flag("payload")
        max_age_days = self._number("max_age_days", 3.0, (0.001, 60.0))
        timeout_s = self._number("timeout_s", default_s, (0.1, 300.0))
        concurrency = self._number("concurrency", 2, (1, 16))
        heartbeat_minutes = self._number("heartbeat_minutes", 5.0, (0.5, 1440.0))
        if self._faults or target is None:
            return None
        return Reaction(
            self.name, subscribed, target, where, payload, max_age_days * DAY_S, timeout_s, concurrency,
            heartbeat_minutes * 60,
        )  # fmt: skip

    def _name(self) -> str:
        name = self._values.get("name")
        if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and _NAME_CHARACTERS.issuperset(name):
            return name
        fault = "it has 1 to 40 characters of a-z, 0-9 and -" if "name" in self._values else "it is missing"
        self.add_fault("name", fault)
        return ""

    def _report_unknown_keys(self) -> None:
        for key in self._values:
            if key not in KEYS:
                nearest = get_close_matches(key, KEYS, 1)
                hint = f"; {nearest[0]} is" if nearest else f"; there are {', '.join(KEYS)}"
                self.add_fault(key[:LONGEST_NAME], f"no key is named so{hint}")

    def _topics(self) -> frozenset[str]:
        patterns = self._values.get("on")
        if not isinstance(patterns, list) or not patterns or not all(isinstance(text, str) for text in patterns):
            self.add_fault("on", 'it is a list of topics, such as ["message.failed"]')
            return frozenset()
        subscribed: set[str] = set()
        for pattern in patterns:
            try:
                subscribed |= topics.expand([pattern])
            except ValueError as error:
                self.add_fault("on", str(error))
        return frozenset(subscribed)

    def _target(self, own: Addresses) -> UrlTarget | FunctionTarget | None:
        has_url, has_call = "url" in self._values, "call" in self._values
        if has_url == has_call:
            self.add_fault("url", "it has both url and call" if has_url else "either url or call is missing")
            return None
        if has_url:
            return self._url_target(own)
        for key in OF_URLS:
            if key in self._values:
                self.add_fault(key, "it goes with url, not with call")
        return self._function_target()

    def _url_target(self, own: Addresses) -> UrlTarget | None:
        allow_http, allow_link_local = self._flag("allow_http"), self._flag("allow_link_local")
        url, secret_file = self._values["url"], self._values.get("secret_file")
        if not isinstance(url, str):
            self.add_fault("url", "it is a text")
        else:
            for fault in url_faults(url, own, allow_http, allow_link_local):
                self.add_fault("url", fault)
        if not isinstance(secret_file, str) or not secret_file or "\0" in secret_file:
            self.add_fault("secret_file", "it is the path of a file with a whsec_… secret")
            return None
        path = self._directory / secret_file
        try:
            read_secrets(path)
        except ValueError as error:
            self.add_fault("secret_file", str(error))
        return UrlTarget(str(url), path, allow_http, allow_link_local)

    def _function_target(self) -> FunctionTarget | None:
        call = self._values["call"]
        module, _, function = call.partition(":") if isinstance(call, str) else ("", "", "")
        if not all(name.isidentifier() for name in (*module.split("."), *function.split("."))):
            self.add_fault("call", 'it is module:function, such as "shop.tickets:open_ticket"')
            return None
        target = FunctionTarget(module, function, str(self._directory))
        if fault := function_fault(target):
            self.add_fault("call", fault)
        return target

    def _where(self, subscribed: frozenset[str]) -> Mapping[str, frozenset[str]]:
        where = self._values.get("where", {})
        if not isinstance(where, dict):
            self.add_fault("where", 'it is a table, such as { recipient = "4915100000000" }')
            return {}
        known = fields_of(subscribed) if subscribed else frozenset(where)
        allowed: dict[str, frozenset[str]] = {}
        for field, value in where.items():
            if field not in known:
                nearest = get_close_matches(field, sorted(known), 1)
                hint = f"; {nearest[0]} is" if nearest else ""
                self.add_fault("where", f"not all its topics have a field named {field[:LONGEST_NAME]!r}{hint}")
            values = value if isinstance(value, list) else [value]
            if not values or not all(map(_is_value, values)):
                self.add_fault("where", "a field's value is a text, a whole number, true or false, or a list of them")
                continue
            allowed[field] = frozenset(str(text).lower() if isinstance(text, bool) else str(text) for text in values)
        return allowed

    def _flag(self, key: str) -> bool:
        value = self._values.get(key, False)
        if not isinstance(value, bool) and (key, "it is true or false") not in self._faults:
            self.add_fault(key, "it is true or false")
        return value is True

    def _number(self, key: str, default: Number, bounds: tuple[Number, Number]) -> Number:
        value = self._values.get(key, default)
        is_whole = isinstance(default, int)
        least, most = bounds
        is_number = isinstance(value, int if is_whole else int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            self.add_fault(key, f"it is a {'whole ' * is_whole}number from {least:g} to {most:g}")
            return default
        return type(default)(value)


def _is_value(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < 2**63)
