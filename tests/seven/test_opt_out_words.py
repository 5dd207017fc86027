"""Opt-out words: a text that is a stop or start word, however it is written; and the operator's own words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.opt_out_languages import BEHIND_ANY_KEYWORD, LANGUAGES
from seven.opt_out_words import OptOutWords, bare
from seven.opt_out_words_file import built_in_words, read_opt_out_words
from tests.seven.opt_out_texts import TEXTS

WORDS = built_in_words()
LISTED = [(word, "out") for of in LANGUAGES.values() for word in of.stop] + [
    (word, "in") for of in LANGUAGES.values() for word in of.start
]


def state(text: str, words: OptOutWords = WORDS) -> str | None:
    """What a text is."""
    recognized = words.recognize(text)
    return recognized.state if recognized else None


@pytest.mark.parametrize(("language", "text", "expected"), TEXTS)
def test_a_text_opts_out_only_if_it_is_a_word(language: str, text: str, expected: str | None) -> None:
    """Each text is what its sender means by it, in eight languages."""
    assert language in LANGUAGES
    assert state(text) == expected


def test_the_table_has_every_language() -> None:
    """At least eighty texts, and of each language some that opt out, that opt in and that do neither."""
    assert len(TEXTS) >= 80
    assert {(language, expected) for language, _, expected in TEXTS} == {
        (language, expected) for language in LANGUAGES for expected in ("out", "in", None)
    }


@pytest.mark.parametrize(("word", "expected"), LISTED)
def test_every_listed_word_is_recognized(word: str, expected: str) -> None:
    """As listed, in capitals, between quotes and emoji, politely, and letter by letter."""
    for text in (word, word.upper(), f'"{word}" 🙏', f"Please {word}!", " ".join(bare(word))):
        if text.count(" ") < 15:
            assert state(text) == expected, text


def test_no_word_is_both() -> None:
    """No start word of one language is a stop word of another, nor does either begin an expression."""
    stops, starts = ({bare(word) for word, listed in LISTED if listed == state} for state in ("out", "in"))
    expressions = {bare(word) for of in LANGUAGES.values() for word in of.expressions}
    assert not stops & starts
    assert not expressions & (stops | starts)
    assert {bare(word) for word in BEHIND_ANY_KEYWORD} <= stops


@given(st.text(max_size=200))
def test_any_text_is_judged(text: str) -> None:
    """No text raises, and nothing but a word of the list is ever returned."""
    recognized = WORDS.recognize(text)
    assert recognized is None or (recognized.word, recognized.state) in {(word.casefold(), of) for word, of in LISTED}


@given(st.sampled_from(LISTED), st.text("!?.,;:-_*\"'()[]…«»„“ \t\n🛑🙏👎", max_size=5))
def test_marks_around_a_word_count_for_nothing(listed: tuple[str, str], marks: str) -> None:
    """Whatever signs stand before and behind it."""
    assert state(f"{marks} {listed[0]}{marks}") == listed[1]


def test_own_words_extend_those_built_in() -> None:
    """A table of any language adds words; what was known stays."""
    words = read_opt_out_words('[sv]\nstop = ["sluta"]\nstart = ["börja"]\npolite = ["snälla"]')
    assert [state(text, words) for text in ("Sluta!", "snälla sluta", "BÖRJA", "STOP")] == ["out", "out", "in", "out"]


def test_own_words_replace_those_built_in() -> None:
    """With `replace` nothing else counts."""
    words = read_opt_out_words('replace = true\n[de]\nstop = ["genug"]')
    assert [state(text, words) for text in ("Genug", "STOP", "START")] == ["out", None, None]


def test_with_known_keywords_no_other_word_is_one() -> None:
    """Listed keywords may stand before or behind every word, START in small letters too; no other may."""
    words = read_opt_out_words('keywords = ["Pizza", "Bella Napoli"]')
    texts = ("pizza stop", "STOP PIZZA", "pizza start", "Bella Napoli, baja", "SUSHI STOP", "pizza bitte nicht stop")
    assert [state(text, words) for text in texts] == ["out", "out", "in", "out", None, None]
    assert state("PIZZA STOP", read_opt_out_words("keywords = []")) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stop", "invalid TOML"),
        ("[de]\nhalt = ['x']", "[de] halt: tables such as [de]"),
        ("words = ['x']", "words: tables such as [de]"),
        ("[de]\nstop = 'x'", "[de] stop: Input should be a valid list"),
        ("[de]\nstop = [1]", "[de] stop.0: Input should be a valid string"),
        ("keywords = 'PIZZA'", "keywords: Input should be a valid list"),
        ("replace = 'yes'", "replace: Input should be a valid boolean"),
        ("replace = true", "without any, nobody could opt out"),
        ("[de]\nstop = ['🛑']", "neither letters nor digits"),
        ("keywords = ['']", "neither letters nor digits"),
        ("[de]\nstart = ['STOP']", "'STOP' is both a stop and a start word"),
    ],
)
def test_a_file_at_fault_is_refused(text: str, reason: str) -> None:
    """What is wrong is named, with its table."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        read_opt_out_words(text)
