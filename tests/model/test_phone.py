"""C1, PHONE: what is taken for a telephone number, and what is not."""

import pytest

from tests.model import dirt
from tests.model.hits import Hits
from tests.model.phone import phone

GB, DE, US, FR, JP = "+442079460958", "+491701234567", "+16082719000", "+33123456789", "+819012345678"
MX, AR, BR = "+525512345678", "+5491123456789", "+5511987654321"


@pytest.mark.parametrize(
    ("value", "region", "expected"),
    [
        ("+44 20 7946 0958", "", GB),
        ("020 7946 0958", "GB", GB),
        ("+44 (0)20 7946 0958", "US", GB),
        ("(+44) 20 7946 0958", "US", GB),
        ("00 44 20 7946 0958", "GB", GB),
        ("+44.2079460958", "", GB),
        (" +44\u00a020 7946\u20110958\n", "", GB),
        ("\uff10\uff19\uff10\uff0d\uff11\uff12\uff13\uff14\u2212\uff15\uff16\uff17\uff18", "JP", JP),
        ("1701234567.0", "DE", DE),
        ("01701234567.00", "DE", DE),
        ("0170/1234567", "DE", DE),
        ("+49 (0)170 / 12 34 56 7", "", DE),
        ("608.271.9000", "US", US),
        ("+1.6082719000", "", US),
        ("+1.608.271.9000", "", US),
        ("01.23.45.67.89", "FR", FR),
        ("01.23.45.67.00", "FR", "+33123456700"),
        ("+52 1 55 1234 5678", "", MX),
        ("55 1234 5678", "MX", MX),
        ("011 15-2345-6789", "AR", AR),
        ("+54 11 2345 6789", "", "+541123456789"),
        ("0 15 11 98765-4321", "BR", BR),
        ("+55 11 8765-4321", "", "+551187654321"),
    ],
)
def test_phone(value: str, region: str, expected: str) -> None:
    """E.164, idempotent."""
    assert phone(value, region, Hits()) == expected
    assert phone(expected, region, Hits()) == phone(expected, "", Hits()) == expected


@pytest.mark.parametrize(
    ("value", "region"),
    [
        ("020 7946 0958", ""),
        ("call me", "US"),
        ("", "US"),
        ("+", "US"),
        ("++16082719000", ""),
        ("1+6082719000", "US"),
        ("+1 555 123 4567 ext. 12", ""),
        ("+1-608-271-9000-x11", ""),
        ("+16082719000;ext=4", ""),
        ("tel:+16082719000", ""),
        ("+1 555 123 4567 8901", ""),
        ("+44 20", ""),
        ("271-9000", "US"),
        ("+261 67 101 39", ""),
        ("67 101 39", "MG"),
        ("00 261 67 101 39", "GB"),
        ("323-1234", "BS"),
        ("+375005009958", ""),
        ("6082719000.5", "US"),
        ("608 271 9000.0", "US"),
        ("+16082719000.0", "US"),
        ("6082719000.", "US"),
        (".6082719000", "US"),
        ("608..271.9000", "US"),
        ("1.608.271.9000", "US"),
        ("+4.42079460958", ""),
        ("6.082719E+09", "US"),
        ("6082719000,0", "US"),
        ("030/123/4567", "DE"),
        ("/0301234567", "DE"),
        ("0301234567/68", "DE"),
        ("\u202a+16082719000\u202c", ""),
        ("+16082719000\u200b", ""),
        ("608_271_9000", "US"),
        ("\u00b2082719000", "US"),
    ],
)
def test_no_phone(value: str, region: str) -> None:
    """Other characters, extensions, separators out of place, no country, local or impossible lengths."""
    assert phone(value, region, Hits()) is None


def test_idempotent() -> None:
    """C1: n(n(x)) = n(x), in the type's region and without one."""
    for region in ("", *dirt.PHONES):
        for value in dirt.phones(region):
            once = phone(value, region, Hits())
            if once is not None:
                assert phone(once, region, Hits()) == phone(once, "", Hits()) == once, value
