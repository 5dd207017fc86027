"""Topics: patterns name them, and what names none is told apart from a misspelt one."""

import pytest

from seven.changes import WATCHES
from seven.topics import OF_RECORDS, TOPICS, expand


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("message.deliverd", "message.delivered is"),
        ("messages.*", "no topic is named"),
        ("", "no topic is named"),
        ("opt_out", "opt_out."),
    ],
)
def test_a_topic_that_does_not_exist(pattern: str, sentence: str):
    """The nearest is named."""
    with pytest.raises(ValueError, match="no topic is named") as refused:
        expand([pattern])
    assert sentence in str(refused.value)
    assert expand(["*"]) == frozenset(TOPICS)
    assert frozenset(OF_RECORDS) == frozenset().union(*(watch.topics for watch in WATCHES.values()))
