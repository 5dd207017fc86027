"""Options: a number that nothing can work with is the caller's to mend."""

import pytest

from tests.cli.installation import CommandLine

BEYOND_64_BITS = "99999999999999999999999"
RATES = [
    (*words, "--rate", rate)
    for words in (("dead", "replay", "--yes"), ("dead", "discard", "--yes"), ("reactions", "retry", "shop", "--yes"))
    for rate in ("inf", "1e300")
]


@pytest.mark.parametrize(
    "words",
    [
        ("query", "select 1", "--rows", "9223372036854775808"),
        ("dead", "list", "--limit", BEYOND_64_BITS),
        ("dead", "replay", "--yes", "--limit", BEYOND_64_BITS),
        ("opt-outs", "list", "--limit", BEYOND_64_BITS),
        *RATES,
        ("status", "--watch", "inf"),
        ("status", "--watch", "nan"),
    ],
    ids=" ".join,
)
def test_a_number_beyond_all_bounds(migrated: CommandLine, words: tuple[str, ...]) -> None:
    """Exit code 2, and the option, before anything is done."""
    result = migrated.run(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"Invalid value for '{words[-2]}'" in result.stderr
