"""Phone numbers: any usual spelling of a number gives the same digits."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.data_subject import Number
from seven.phone_numbers import digits, gateway_digits, is_country_code

MOBILE = "4915123456789"


@pytest.mark.parametrize(
    "spelling",
    [
        "+4915123456789",
        "+49 151 23456789",
        "0049 151 23456789",
        "4915123456789",
        "015123456789",
        "0151 23456789",
        "0151/234 567-89",
        "(0151) 23456789",
        "(0)151 23456789",
        "+49 (0)151 23456789",
        "+49 (0) 151 / 234 567 89",
        "49 (0)151 23456789",
        "(+49) 151.23456789",
        "+49 0151 23456789",
        "tel:+49-151-23456789",
        "+49\u00a0151\u00a023456789",
        "\u202a+49\u2011151\u201023456789\u202c",
        "\uff0b\uff14\uff19 151 23456789",
        "\u0660\u0661\u0665\u0661 23456789",
    ],
)
def test_every_usual_spelling(spelling: str):
    """A German number as people write it, as an address book copies it, and as the gateway delivers it."""
    assert digits(spelling, 49) == MOBILE
    assert Number.parse(spelling) == Number(MOBILE)


@pytest.mark.parametrize("country_code", [1, 7, 34, 39, 44, 45, 47, 49, 52, 352])
def test_the_gateway_writes_country_codes(country_code: int):
    """Wherever an installation is, bare digits of the gateway's are a number's own; a 0 or a + is read as of people."""
    for region in (
        "FR",
        "BE",
        "ES",
        "PT",
        "IE",
        "LU",
        "HU",
        "NL",
        "CH",
        "AT",
        "PL",
        "SE",
        "NO",
        "DK",
        "RO",
        "DE",
        "US",
        "IT",
    ):
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
        assert gateway_digits(e164, country_code) == gateway_digits(f"+{e164}", country_code) == e164
    assert gateway_digits("015123456789", 49) == MOBILE


@pytest.mark.parametrize(
    ("spelling", "country_code", "expected"),
    [
        pytest.param("06 1234 5678", 39, "390612345678", id="Italy keeps the 0"),
        pytest.param("+39 06 1234 5678", 49, "390612345678", id="from abroad, too"),
        pytest.param("+39 (0)6 1234 5678", 49, "390612345678", id="and in brackets"),
        pytest.param("320 123 4567", 39, "393201234567", id="an Italian mobile without a prefix"),
        pytest.param("393201234567", 39, "393201234567", id="and with its country code"),
        pytest.param("33612345678", 39, "33612345678", id="a French mobile, as Italy reads it from a table"),
        pytest.param("33612345678", 352, "33612345678", id="and Luxembourg"),
        pytest.param("4530123456", 52, "524530123456", id="ten digits are Mexico's own, though Denmark has them, too"),
        pytest.param("07400 123456", 44, "447400123456", id="a British number"),
        pytest.param("07400 123456", 49, "497400123456", id="a leading 0 becomes the country code"),
        pytest.param("(202) 555-0123", 1, "12025550123", id="an American number"),
        pytest.param("+1 (202) 555-0123", 1, "12025550123", id="with its country code"),
        pytest.param("4915123456789", 1, MOBILE, id="from America to Germany"),
        pytest.param("011 49 151 23456789", 1, MOBILE, id="as America dials it"),
        pytest.param("00 49 151 23456789", 1, MOBILE, id="and as everyone else does"),
        pytest.param("+48 (0)22 123 45 67", 49, "48221234567", id="a trunk prefix that Poland does not have"),
        pytest.param("+5215512345678", 49, "5215512345678", id="Mexico's old mobile prefix stays"),
        pytest.param("447700900001", 49, "447700900001", id="fictional, so in no plan"),
        pytest.param("491510001234", 49, "491510001234", id="too short for its plan"),
        pytest.param("+999 123 456 789", 49, "999123456789", id="no country"),
    ],
)
def test_each_country_writes_as_it_does(spelling: str, country_code: int, expected: str):
    """Trunk prefixes follow the numbering plan; what is in no plan has its digits all the same."""
    assert digits(spelling, country_code) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "+", "()", "SMS", "Shop24", "72727", "0151", "+49151234567890123", "4915123456789x", "+-+4915123456789",
     "order 4915123456789", "4915123456789,", "0" * 1000, "1" * 100_000, "\x004915123456789", "+0049151234567"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str):
    """Names, short codes and what only contains a number; the sentence does not repeat it."""
    with pytest.raises(ValueError, match="a phone number is expected, such as") as refusal:
        digits(text, 49)
    assert not text.strip() or text not in str(refusal.value) or text == "+"


@given(st.text(alphabet="0123456789 +-()./", max_size=25), st.sampled_from([1, 39, 49, 7, 262]))
def test_the_digits_stand_for_themselves(text: str, country_code: int):
    """Whatever is accepted gives 8 to 15 digits, which are another spelling of the same number abroad."""
    try:
        number = digits(text, country_code)
    except ValueError:
        return
    assert number.isdecimal()
    assert 8 <= len(number) <= 15
    assert digits(f"+{number}", country_code) == number


def test_codes_of_countries():
    """A code that no country has is none."""
    assert [is_country_code(code) for code in (1, 49, 39, 999, 0, 800)] == [True, True, True, False, False, False]
