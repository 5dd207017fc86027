"""Settings pages: `.env.example` and docs/settings.md, written from the declarations. `make settings` renews them."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ByteSize, SecretStr
from pydantic.fields import FieldInfo

from emulator.settings import EmulatorSettings
from runtime.settings.registry import SECTIONS, declared
from tests.processes import ROOT

EXAMPLE, TABLE = ROOT / ".env.example", ROOT / "docs/settings.md"
WIDTH = 120

HEAD = """\
# Settings, with their defaults. Copy to .env and change what you need; `make up`, `seven-ingest` and docker compose read
# .env. `make up` needs none of them; docker compose needs SEVEN_HOOK_TOKEN and FLOWER_BASIC_AUTH.
# NAME_FILE instead of NAME reads the value from a file (not with docker compose, which makes the files itself).
# Sizes understand KiB, MiB, GiB. No $ in values.
"""
PAGE = """\
# Settings

Written by `make settings` from the declarations in `runtime/settings/` and `emulator/settings.py`. A process reads its
environment once, at its start; `NAME_FILE` instead of `NAME` reads the value from a file; a command reads `.env` too.
"""


def sections() -> Iterator[tuple[str, list[tuple[str, FieldInfo]]]]:
    """Titles and their settings, each setting once."""
    for title, groups in SECTIONS.items():
        yield title, list(declared(groups))
    yield "The emulator", list(declared([EmulatorSettings]))


def default(field: FieldInfo) -> str:
    """The default as it would be written in `.env`; empty where there is none."""
    return "" if field.default is None else _text(field.default)


def example() -> str:
    """`.env.example`."""
    lines = [HEAD]
    for title, settings in sections():
        lines.append(f"# ── {title} ".ljust(WIDTH - 1, "─"))
        for name, field in settings:
            text = f"# {field.description}"
            lines += textwrap.wrap(text, WIDTH, subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)
            lines.append(f"#{name}={default(field)}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def table() -> str:
    """docs/settings.md."""
    lines = [PAGE]
    for title, settings in sections():
        lines += [f"## {title}", "", "| setting | default | |", "|---|---|---|"]
        for name, field in settings:
            value = default(field)
            description = (field.description or "").replace("|", "\\|")
            lines.append(f"| `{name}` | {f'`{value}`' if value else ''} | {description} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case SecretStr():
            return value.get_secret_value()
        case ByteSize():
            return value.human_readable(decimal=False, separator="").replace(".0", "")
        case float():
            return f"{value:.10g}"
        case tuple():
            return ",".join(value)
        case Path():
            return str(value)
    return str(value)


if __name__ == "__main__":
    EXAMPLE.write_text(example())
    TABLE.write_text(table())
