"""Replicas: whether enough of them have a batch, so that it outlives the primary.

Replication is asynchronous: a primary that dies may have confirmed what no replica has, and its successor lacks it.
WAIT answers how many replicas have what the same connection wrote before: in memory, not on disk.
"""

from typing import Any

from redis.exceptions import ResponseError

ANSWER_S = 0.2
"""Left of a deadline for WAIT's own answer that there are too few."""


class TooFewReplicas(ResponseError):  # noqa: N818 - describes the servers
    """Fewer replicas confirm a batch than the settings demand. The ledger has it all the same."""


def wait_ms(within_s: float) -> int:
    """How long WAIT may take. Never 0, which is for ever."""
    return max(int((within_s - ANSWER_S) * 1000), 1)


def confirmed(answers: list[Any], replicas: int) -> list[Any]:
    """The answers before that of WAIT; if too few replicas confirm, the reason in place of each."""
    *answers, count = answers
    if isinstance(count, int) and count >= replicas:
        return answers
    failure = TooFewReplicas("NOREPLICAS") if isinstance(count, int) else count
    return [answer if isinstance(answer, Exception) else failure for answer in answers]
