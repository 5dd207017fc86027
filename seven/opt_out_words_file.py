"""Opt-out words as configured: TOML with a table for each language, which extends or replaces the words built in."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from seven.opt_out_languages import LANGUAGES, Language
from seven.opt_out_words import OptOutWords, State, bare

_EXPECTED = "tables such as [de] with stop, start, polite and expressions, and before them keywords or replace"


class _Head(BaseModel):
    """What stands before the tables."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    replace: bool = False
    """Whether only the words of this file count."""
    keywords: list[str] | None = None
    """The keywords of our shared numbers, one word or several each; [] for none."""


class _Table(BaseModel):
    """The words of one language."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    stop: list[str] = []
    start: list[str] = []
    polite: list[str] = []
    expressions: list[str] = []


def built_in_words() -> OptOutWords:
    """The words of this version, in every language it knows."""
    return _words(LANGUAGES.values(), None)


def read_opt_out_words(text: str | None) -> OptOutWords:
    """Parse TOML; None for the words built in. Raises ValueError that names the table and the field at fault."""
    if text is None:
        return built_in_words()
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"invalid TOML: {error}") from None
    tables = {name: value for name, value in document.items() if isinstance(value, dict)}
    head = _parsed(_Head, {name: value for name, value in document.items() if name not in tables}, "")
    languages = [Language(**_fields(_parsed(_Table, table, f"[{name}] "))) for name, table in tables.items()]
    if not head.replace:
        languages = [*LANGUAGES.values(), *languages]
    for words in [language._asdict() for language in languages] + [{"keywords": head.keywords or []}]:
        for field, listed in words.items():
            if empty := [word for word in listed if not bare(word)]:
                raise ValueError(f"{field}: {empty[0]!r} has neither letters nor digits")
    if not any(language.stop for language in languages):
        raise ValueError("replace = true needs a table with stop words: without any, nobody could opt out")
    stops = {bare(word) for language in languages for word in language.stop}
    both = [word for language in languages for word in language.start if bare(word) in stops]
    if both:
        raise ValueError(f"{both[0]!r} is both a stop and a start word")
    return _words(languages, head.keywords)


def _words(languages: Any, keywords: Sequence[str] | None) -> OptOutWords:
    listed = list(languages)
    words: Mapping[State, list[str]] = {
        "out": [word for language in listed for word in language.stop],
        "in": [word for language in listed for word in language.start],
    }
    return OptOutWords(
        words,
        [phrase for language in listed for phrase in language.polite],
        [word for language in listed for word in language.expressions],
        keywords,
    )


def _parsed(model: type[BaseModel], values: Mapping[str, Any], place: str) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_input=False)[0]
        where = ".".join(map(str, details["loc"]))
        is_unknown = details["type"] == "extra_forbidden"
        raise ValueError(f"{place}{where}: {_EXPECTED if is_unknown else details['msg']}") from None


def _fields(table: _Table) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words) for name, words in table.model_dump().items()}
