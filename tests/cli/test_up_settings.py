"""up: what it refuses, and what it warns of, before it starts anything."""

import socket

import pytest

from runtime.settings.types import HOW_TO_MAKE_ONE
from tests.cli.installation import CommandLine

GUESSED = f"fewer than 20 characters in SEVEN_HOOK_TOKEN, and can be guessed; {HOW_TO_MAKE_ONE}"


@pytest.mark.parametrize("key", [{}, {"SEVEN_API_KEY": "not-a-real-key"}], ids=["without a key", "with a key"])
@pytest.mark.parametrize("url", ["hooks.example.com", "hooks.example.com:8000", "http://h:port", "ftp://h", "https:/h"])
def test_a_public_url_that_is_none(installation: CommandLine, url: str, key: dict[str, str]):
    """It is refused even where the emulator is the gateway, which does without it."""
    result = installation.run("up", SEVEN_PUBLIC_URL=url, **key)
    expected = "configuration: SEVEN_PUBLIC_URL: scheme://host[/prefix] is expected\n"
    assert (result.returncode, result.stderr, result.stdout) == (2, expected, "")


def test_a_misspelt_setting_is_named(installation: CommandLine):
    """A sentence names an unknown SEVEN_… variable and the most similar setting, before any fault is reported."""
    result = installation.run("up", SEVEN_PROT="1", SEVEN_HOOK_TOKEN="short")
    first, second = result.stderr.splitlines()
    assert first == "Warning: SEVEN_PROT is no setting, and has no effect; did you mean SEVEN_PORT?"
    assert second.startswith("configuration: SEVEN_HOOK_TOKEN: ")


@pytest.mark.parametrize(
    ("settings", "sentences"),
    [
        pytest.param({"SEVEN_HOOK_TOKEN": "a-token-of"}, [f"A token has {GUESSED}"], id="a token"),
        pytest.param(
            {"SEVEN_HOOK_TOKEN": "a-token-of,another-token"}, [f"2 tokens have {GUESSED}"], id="tokens",
        ),
        pytest.param({"SEVEN_PUBLIC_URL": "https://h"}, [
            "SEVEN_PUBLIC_URL is not used without SEVEN_API_KEY: the emulator delivers to this machine.",
        ], id="a URL of no use"),
        pytest.param({"SEVEN_SIGNING_KEY": "0123456789abcdef", "SEVEN_API_KEY": "not-a-real-key"}, [
            "SEVEN_SIGNING_KEY is set, but without SEVEN_PUBLIC_URL no signature can be verified.",
        ], id="a key of no use"),
    ],
)  # fmt: skip
def test_settings_that_will_hurt(installation: CommandLine, settings: dict[str, str], sentences: list[str]):
    """`up` warns in sentences, and not as a log does."""
    with socket.create_server(("127.0.0.1", installation.ports["SEVEN_PORT"])):  # so that it ends
        result = installation.run("up", **settings)
    *lines, taken = result.stderr.splitlines()
    assert lines == [f"Warning: {sentence}" for sentence in sentences]
    assert "SEVEN_PORT" in taken
    assert result.returncode == 2
