"""Env file: the settings in a `.env`, and its lines that are no setting. The library only logs lines it cannot read."""

from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from runtime.settings.registry import NAMES


def read_env_file(file: Path) -> tuple[dict[str, str], list[str]]:
    """The settings that are not empty, and a sentence for each fault. Raises UnicodeDecodeError."""
    text = file.read_text("utf-8-sig") if file.is_file() else ""
    values = {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value}
    return values, [*_unread(text), *_in_small_letters(values)]


def _unread(text: str) -> Iterator[str]:
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            yield f".env, line {binding.original.line}: NAME=value is expected; is a quote missing?"


def _in_small_letters(values: Mapping[str, str]) -> Iterator[str]:
    for name in values:
        if name not in NAMES and name.upper() in NAMES:
            yield f"{name}: its name is {name.upper()}"
