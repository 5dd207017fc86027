"""Templates: any text is shown as text, nothing of it hidden; colours can be read by everyone."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from console.markup import STATIC, TEMPLATES, clipped, compact, create_templates

CSS = (STATIC / "console.css").read_text()
ENVIRONMENT = create_templates([])


def rendered(value: object, template: str = "{{ value }}") -> str:
    return ENVIRONMENT.from_string(template).render(value=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\" onclick='x'", "&#34; onclick=&#39;x&#39;"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\x00b\x1b[31m", "a\\x00b\\x1b[31m"),
        ("line\nline", "line\\nline"),
        ("\ud800", "\\ud800"),
        ("👩‍👩‍👧 ☎️ Ä", "👩‍👩‍👧 ☎️ Ä"),
        (None, ""),
        (True, "yes"),
        (Decimal("0.07500001"), "0.07500001"),
        (7, "7"),
    ],
)
def test_any_value_is_shown_as_text(value: object, expected: str):
    """Markup, quotes, controls, controls of direction and lone surrogates are seen; emoji stay whole."""
    assert rendered(value) == expected


def test_line_breaks_stay_where_they_are_asked_for():
    """And everything between them is text."""
    assert rendered("a<b>\r\n\u202ec\n", "{{ value|lines }}") == "a&lt;b&gt;<br>\\u202ec"


def test_times_are_utc():
    """With the exact time for the script that adds the viewer's own."""
    at = datetime(2026, 3, 29, 3, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert rendered(at) == '<time datetime="2026-03-29T01:30:15.123+00:00">2026-03-29 01:30:15</time>'


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "Not delivered: EXPIRED 2026-11-29 14:02:38",
            'Not delivered: EXPIRED <time datetime="2026-11-29T14:02:38.000+00:00">2026-11-29 14:02:38 UTC</time>',
        ),
        (
            "last delivered 2026-11-29 14:02:38 UTC, and <b>",
            'last delivered <time datetime="2026-11-29T14:02:38.000+00:00">2026-11-29 14:02:38 UTC</time>, and &lt;b&gt;',
        ),
        ("On its way: 2026-99-99 99:99:99\u202e", "On its way: 2026-99-99 99:99:99\\u202e"),
        ("", ""),
    ],
)
def test_times_in_a_sentence_are_utc(sentence: str, expected: str):
    """They say so, and the script finds them; everything else is text."""
    assert rendered(sentence, "{{ value|timed }}") == expected


def test_numbers_are_short_and_clear():
    """Groups of three, four characters on an axis, two units of time."""
    assert [rendered(number, "{{ value|number }}") for number in (1234567, 12)] == ["1&#8239;234&#8239;567", "12"]
    assert [compact(number) for number in (950, 20_000, 4_000_000, 10**9)] == ["950", "20k", "4M", "1G"]
    assert rendered(timedelta(seconds=185), "{{ value|duration }}") == "3 min 5 s"
    assert (clipped("abc", 3), clipped("abcd", 3)) == ("abc", "ab…")
    assert rendered(datetime(2026, 1, 1, tzinfo=UTC)).startswith("<time")


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("*.html")), ids=lambda file: file.name)
def test_templates_fit_the_policy(file: object):
    """No inline style or script, no handler in an attribute, nothing from elsewhere, nothing unescaped."""
    text = file.read_text()  # type: ignore[attr-defined]
    assert not re.search(
        r"""style=|<style|\son\w+=|javascript:|["']https?://|["']//|\|\s*safe|autoescape false""", text
    )
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", text))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_meets_wcag_aa(scheme: str):
    """4.5 for every text on every background, 3 for marks and lines of focus."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    )
    colours = {"light": light, "dark": dark}[scheme]
    assert set(light) == set(dark)
    for back in ("back", "panel"):
        for name in ("text", "soft", "link", "good", "warn", "bad"):
            assert contrast(colours[name], colours[back]) >= 4.5, (name, back)
        for name in ("focus", *(name for name in colours if name.startswith("series"))):
            assert contrast(colours[name], colours[back]) >= 3, (name, back)


def test_the_style_sheet_loads_nothing():
    """No import, no font, no picture."""
    assert not re.search(r"@import|url\(|@font-face", CSS)
