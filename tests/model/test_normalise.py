"""C1 and C2: the forms that are compared, and the values that are refused."""

import random

import pytest

from tests.model.normalise import email, fold, judge_value, lower, phone, tables, trim, unicodedata2
from tests.model.records import RefusedError


def test_one_unicode_version() -> None:
    """C8: one named version, for categories and case alike."""
    assert tables().version == unicodedata2.unidata_version == "18.0.0"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ed.Hyde+x@Example.COM", "ed.hyde+x@example.com"),
        ("\u3000a@x.com\t", "a@x.com"),
        ("STRA\u1e9eE", "strasse"),
        ("o\ufb03ce", "office"),
        ("\uff41", "a"),
        ("\u0130", "i\u0307"),
    ],
)
def test_email(value: str, expected: str) -> None:
    """NFKC, full case folding, NFKC, trimmed; dots and plus signs stay."""
    assert email(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" A ", " a "),
        ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"),
        ("\u03a3\u0391", "\u03c3\u03b1"),
        ("\u03a3", "\u03c3"),
        ("\u0391\u03a3.\u0391", "\u03b1\u03c3.\u03b1"),
        ("\u0130", "i\u0307"),
    ],
)
def test_lower(value: str, expected: str) -> None:
    """Full lower-casing with the final sigma; no trim."""
    assert lower(value) == expected


def test_trim_is_white_space_only() -> None:
    """White_Space, not what a programming language takes for it."""
    assert trim("\u2003\x85 a b\u2029") == "a b"
    assert trim("\u200ba\x1c") == "\u200ba\x1c"


def test_fold_full_mappings() -> None:
    """C and F of the case folding, not T."""
    assert fold("\xdfI") == "ssi"


def test_idempotent_texts() -> None:
    """C1: n(n(x)) = n(x), for texts of characters that change under normalisation."""
    source = random.Random(1)
    points = [*tables().fold, *tables().lower, *range(0x300, 0x370), *range(0xA0, 0x100), *range(0xFB00, 0xFE00)]
    for _ in range(20_000):
        text = "".join(chr(source.choice(points)) for _ in range(source.randint(1, 4)))
        for function in (email, lower, trim):
            once = function(text)
            assert function(once) == once, ascii(text)


@pytest.mark.parametrize(
    ("value", "region", "expected"),
    [
        ("+44 20 7946 0958", "", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
    ],
)
def test_phone(value: str, region: str, expected: str) -> None:
    """E.164, idempotent."""
    assert phone(value, region) == expected
    assert phone(expected, region) == expected


@pytest.mark.parametrize(
    "value",
    ["020 7946 0958", "call me", "", "+", "+1 555 123 4567 ext. 12", "+1 555 123 4567 8901", "+44 20", "+375005009958"],
)
def test_phone_refused(value: str) -> None:
    """Neither a + nor a region, no number, an extension, an impossible length, no form that reads back as itself."""
    with pytest.raises(RefusedError):
        phone(value, "")


@pytest.mark.parametrize(
    "value", ["", "a\0", "\n", "\u200b", "\u2066", "\xad", "\u0378", "\ufffe", "x" * 513, "é" * 257]
)
def test_refused_values(value: str) -> None:
    """C2: empty, control, format, unassigned, over 512 bytes."""
    with pytest.raises(RefusedError):
        judge_value(value)


@pytest.mark.parametrize("value", ["x" * 512, "é" * 256, " a ", "👍", "\ue000", "\u2028"])
def test_accepted_values(value: str) -> None:
    """What C2 does not name is fine."""
    judge_value(value)
