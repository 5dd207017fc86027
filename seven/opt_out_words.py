"""Opt-out words: whether a text *is* a stop or a start word. A sentence that contains one is neither.

What counts for nothing: case, accents, punctuation, quotes, emoji and spaces around and within, a polite word, saying
it twice. What may stand before it is a *keyword* of a shared number, which the gateway leaves in the text:

- The operator's own keywords, where the words file lists them: then those alone, before or behind any word.
- Otherwise any first word, before the plainest commands (`BEHIND_ANY_KEYWORD`), unless it makes an expression with
  them, as in "non stop" and "bus stop"; and before START only if both are in capitals. The two are not alike: an
  opt-out too many is mended by a START, a START too many is a message to a person who forbade it.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from seven.opt_out_languages import BEHIND_ANY_KEYWORD, SIGNATURES

State = Literal["out", "in"]

LONGEST_TEXT = 160
"""Characters beyond which a text is no word, however it is written."""
_MOST_TOKENS = 20
_LONGEST_KEYWORD = 20
_SHORTEST_RUN = 4
"""Letters of a word that is recognized with spaces anywhere within; single letters with spaces always are."""
_SHORT_CODE = range(4, 7)
"""Digits of a number that is written in advertisements."""
_LETTERS = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d"})  # noqa: RUF001 - a letter
"""What no decomposition makes plain letters; the i without a dot is how Turkish capitals and small letters pair."""
_ASCII = {code: " " for code in range(128) if not chr(code).isalnum()}


@dataclass(frozen=True, slots=True)
class Recognized:
    """What a text is, by which word of the list: never what else a person wrote."""

    state: State
    word: str


def bare(text: str) -> str:
    """The plain small letters and the digits of a text, without anything between them."""
    return "".join(_tokens(text))


class OptOutWords:
    """Words that opt out and in again, ready to be recognized."""

    def __init__(
        self,
        words: Mapping[State, Iterable[str]],
        polite: Iterable[str] = (),
        expressions: Iterable[str] = (),
        keywords: Iterable[str] | None = None,
    ) -> None:
        """`keywords`: those of our shared numbers; None where they are not known."""
        self._words: dict[str, Recognized] = {}
        for state, listed in words.items():
            for word in listed:
                self._words.setdefault(bare(word), Recognized(state, word.casefold()))
        self._polite = sorted({tuple(_tokens(phrase)) for phrase in polite}, key=len, reverse=True)
        self._polite_edges = {token for phrase in self._polite for token in (phrase[0], phrase[-1])}
        self._expressions = frozenset(bare(word) for word in expressions)
        self._keywords = None if keywords is None else frozenset(tuple(_tokens(word)) for word in keywords)
        self._plain_commands = frozenset(map(bare, BEHIND_ANY_KEYWORD))
        parts = (sorted(self._words), self._polite, sorted(self._expressions), keywords and sorted(keywords))
        self.digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
        """Equal for equal words."""

    def recognize(self, text: str) -> Recognized | None:
        """What a text is: a stop word, a start word, or None for neither."""
        if not text or len(text) > LONGEST_TEXT:
            return None
        tokens = _tokens(text)
        if len(tokens) > _MOST_TOKENS:
            return None
        tokens = _without_signature(tokens)
        return self._word(tokens) or self._beside_short_code(tokens) or self._behind_keyword(tokens, text)

    def _word(self, tokens: list[str]) -> Recognized | None:
        """The word that these are, politely or not, once or several times."""
        if not tokens:
            return None
        if word := self._exactly(tokens):
            return word
        plain = self._without_politeness(tokens)
        if plain != tokens and (word := self._exactly(plain)):
            return word
        size = next((n for n in range(1, len(plain)) if len(plain) % n == 0 and _repeats(plain, n)), None)
        return self._exactly(plain[:size]) if size else None

    def _exactly(self, tokens: list[str]) -> Recognized | None:
        run = "".join(tokens)
        word = self._words.get(run)
        is_spelt = all(len(token) == 1 for token in tokens)
        is_as_listed = word is not None and tokens == _tokens(word.word)
        return word if is_spelt or is_as_listed or len(run) >= _SHORTEST_RUN else None

    def _without_politeness(self, tokens: list[str]) -> list[str]:
        while tokens[0] in self._polite_edges or tokens[-1] in self._polite_edges:
            rest = next((rest for phrase in self._polite for rest in _without(tokens, phrase)), None)
            if rest is None:
                break
            tokens = rest
        return tokens

    def _beside_short_code(self, tokens: list[str]) -> Recognized | None:
        """The plainest commands before or behind the number to which advertisements ask to send them."""
        for code, rest in ((tokens[-1:], tokens[:-1]), (tokens[:1], tokens[1:])):
            if rest and code[0].isdecimal() and len(code[0]) in _SHORT_CODE and (word := self._word(rest)):
                return word if bare(word.word) in self._plain_commands else None
        return None

    def _behind_keyword(self, tokens: list[str], text: str) -> Recognized | None:
        if self._keywords is not None:
            rests = (rest for keyword in self._keywords for rest in _without(tokens, keyword))
            return next(filter(None, map(self._word, rests)), None)
        first, rest = tokens[:1], tokens[1:]
        if not rest or not self._may_be_keyword(first[0]) or not (word := self._word(rest)):
            return None
        if word.state == "in":
            is_plain = bare(word.word) == "start" and text == text.upper() and len(rest) == 1
        else:
            is_plain = bare(word.word) in self._plain_commands
        return word if is_plain else None

    def _may_be_keyword(self, token: str) -> bool:
        return (
            1 < len(token) <= _LONGEST_KEYWORD
            and not token.isdecimal()
            and token not in self._expressions
            and token not in self._words
        )


def _tokens(text: str) -> list[str]:
    """The words of a text in plain small letters: without marks, accents and emoji."""
    if text.isascii():  # the usual case, ten times as fast
        return text.lower().translate(_ASCII).split()
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return "".join(_characters(plain)).split()


def _characters(text: str) -> Iterator[str]:
    for char in unicodedata.normalize("NFKD", text):
        kind = unicodedata.category(char)
        if char.isalnum():
            yield char
        elif kind not in ("Mn", "Me", "Cf"):  # accents, keycaps and invisible marks leave no gap
            yield " "


def _without_signature(tokens: list[str]) -> list[str]:
    """What stands above the signature of a telephone."""
    starts = (n for n in range(1, len(tokens) - 1) if tuple(tokens[n : n + 2]) in _SIGNATURES)
    return tokens[: next(starts, len(tokens))]


def _repeats(tokens: list[str], size: int) -> bool:
    return tokens == tokens[:size] * (len(tokens) // size)


def _without(tokens: list[str], keyword: tuple[str, ...]) -> Iterator[list[str]]:
    """What is left where a keyword stands before or behind."""
    size = len(keyword)
    if len(tokens) > size > 0 and tuple(tokens[:size]) == keyword:
        yield tokens[size:]
    if len(tokens) > size > 0 and tuple(tokens[-size:]) == keyword:
        yield tokens[:-size]


_SIGNATURES = frozenset(tuple(_tokens(phrase)) for phrase in SIGNATURES)
