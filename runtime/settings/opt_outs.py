"""Settings of opt-outs: the words by which people opt out, and in again."""

from pydantic import Field, field_validator

from runtime.settings.shared import NumberSettings


class OptOutSettings(NumberSettings):
    """What workers and commands recognize as a stop or a start word."""

    seven_opt_out_words: str | None = Field(
        None,
        description="Your own stop and start words as TOML, beside those of eight languages built in, or with `replace "
        "= true` instead of them; and the keywords of your shared numbers. SEVEN_OPT_OUT_WORDS_FILE=words.toml names a "
        "file; with Docker compose its path begins with / or ./. docs/opt-outs.md has the format.",
    )

    @field_validator("seven_opt_out_words")
    @classmethod
    def _is_readable(cls, words: str | None) -> str | None:
        from seven.opt_out_words_file import read_opt_out_words  # noqa: PLC0415 - rarely set

        read_opt_out_words(words)
        return words
