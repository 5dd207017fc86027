"""The erasure key and the forgotten numbers, as commands use them."""

from typing import NoReturn

from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.output.terminal import near
from seven.forgotten_numbers import ErasureKey
from store.forgotten import ForgottenRegister


def erasure_key(installation: Installation | None = None) -> ErasureKey | None:
    """The key of the environment, or of the installation here. Ends with exit code 2 where it cannot be read."""
    home = installation or Installation.from_environment()
    try:
        secret = home.erasure_key
    except OSError as error:
        _end_unreadable(home, error)
    return None if secret is None else ErasureKey(secret)


def forgotten_register() -> ForgottenRegister:
    """The forgotten numbers, as commands that write rows need them."""
    home = Installation.from_environment()
    return ForgottenRegister(erasure_key(home), home.settings.seven_country_code)


def _end_unreadable(home: Installation, error: OSError) -> NoReturn:
    fail(ExitCode.USAGE, f"{near(home.erasure_key_file)}: {error.strerror}")
