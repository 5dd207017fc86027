"""The erasure key: whether forgetting lasts, and whether everybody who was forgotten is still recognised."""

from operations.checks.check import Check, Unread, good, unknown, warning, wrong
from operations.checks.secret_strength import weakness
from runtime.settings.types import GOOD_TOKEN, HOW_TO_MAKE_ONE
from seven.forgotten_numbers import ErasureKey
from store.forgotten import HashCounts

NAME = "SEVEN_ERASURE_KEY"
_BACK = "put back the key of before, from where the backups are; deploy/operate.md, Erasure"


def check(key: ErasureKey | None, hashes: HashCounts | Unread | None) -> Check:
    """The key, and the hashes in the database; None where that has no tables yet."""
    if isinstance(hashes, HashCounts) and hashes.of_other_keys:
        cause = "none is set here, and" if key is None else "it is another one than before:"
        finding = f"{cause} {hashes.of_other_keys} of {hashes.total} forgotten numbers are not recognised"
        return wrong(NAME, finding, _BACK)
    if key is None:
        finding = "not set: what `forget` blanks comes back with a repeat or a replay"
        return warning(NAME, finding, f"{HOW_TO_MAKE_ONE}; set it for workers and commands, and keep it")
    if reason := weakness(key.secret, GOOD_TOKEN):
        finding = f"it {reason}: whoever guesses it can test which numbers were forgotten"
        return wrong(NAME, finding, f"{HOW_TO_MAKE_ONE}; deploy/operate.md, Erasure")
    if isinstance(hashes, Unread):
        return unknown(NAME, f"unknown whether it is the key of before: {hashes.reason}")
    count = hashes.total if hashes else 0
    return good(NAME, f"cannot be guessed; {count} forgotten number{'s' * (count != 1)}, all recognised")
