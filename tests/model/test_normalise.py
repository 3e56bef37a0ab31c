"""C1 and C2: the forms that are compared, and the values that are invalid."""

import random
from dataclasses import replace

import pytest

from tests.model import dirt
from tests.model.hits import Hits
from tests.model.normalise import email, form_of, unfit
from tests.model.policy import RULES_NOW, RULES_OF_0_1, Normalization, TypeSettings
from tests.model.records import InvalidReason
from tests.model.unicode_data import fold, lower, tables, trim, unicodedata2


def normal(form: Normalization, value: str, rules_version: int = RULES_NOW) -> str | None:
    """Bring a value into a form."""
    return form_of(value, TypeSettings(normalization=form), rules_version, Hits())


def reason(value: str) -> InvalidReason | None:
    """Why a value as sent is invalid."""
    return unfit(value, value, Hits())


def test_one_unicode_version() -> None:
    """C8: one named version, for categories, case and emoji alike."""
    assert tables().version == unicodedata2.unidata_version == "18.0.0"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ed.Hyde+x@Example.COM", "ed.hyde+x@example.com"),
        ("\u3000a@x.com\t", "a@x.com"),
        ("STRA\u1e9eE@x.com", "strasse@x.com"),
        ("o\ufb03ce", "office"),
        ("\uff41", "a"),
        ("\u0130", "i\u0307"),
        ("a@b\u00fccher.de", "a@xn--bcher-kva.de"),
        ("A@XN--BCHER-KVA.DE", "a@xn--bcher-kva.de"),
        ("a@stra\u00dfe.de", "a@xn--strae-oqa.de"),
        ("a@STRASSE.de", "a@strasse.de"),
        ("a@b@x.com", "a@b@x.com"),
        ("a\uff20B\u00dcCHER.de", "a@xn--bcher-kva.de"),
        ("a@b\u00fccher\u2024de", "a@xn--bcher-kva.de"),
        ("a@1\u05d0\u05d1.COM", "a@1\u05d0\u05d1.com"),
        ("a@XN--ZZ.de", "a@xn--zz.de"),
        ("a@ex\xadample.com", "a@example.com"),
        ("a@", "a@"),
        ("NOBODY", "nobody"),
    ],
)
def test_email(value: str, expected: str) -> None:
    """The local part folded, dots and plus signs kept; the domain in ASCII, folded only where it does not convert."""
    assert email(value, Hits()) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" A ", "a"),
        ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3"),
        ("\u03bf\u03b4\u03bf\u03c2", "\u03bf\u03b4\u03bf\u03c3"),
        ("STRA\u1e9eE", "strasse"),
        ("ju\u0308rgen", "j\u00fcrgen"),
        ("J\u00dcRGEN", "j\u00fcrgen"),
        ("\uff21", "\uff41"),
        ("\u0130", "i\u0307"),
    ],
)
def test_lower(value: str, expected: str) -> None:
    """NFC, full case folding, NFC, trimmed; no compatibility folding."""
    assert normal(Normalization.LOWER, value) == expected


def test_trim() -> None:
    """NFC and White_Space, not what a programming language takes for it."""
    assert normal(Normalization.TRIM, " e\u0301E\u2029") == "\u00e9E"
    assert trim("\u2003\x85 a b\u2029") == "a b"
    assert trim("\u200ba\x1c") == "\u200ba\x1c"


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        (Normalization.TRIM, " e\u0301", "e\u0301"),
        (Normalization.LOWER, " \u039f\u03a3", " \u03bf\u03c2"),
        (Normalization.EMAIL, "a@STRA\u00dfe.de", "a@strasse.de"),
        (Normalization.PHONE, "+1 608 271 9000;ext=4", None),
        (Normalization.PHONE, "+1 (608) CALL-900", "+16082255900"),
    ],
)
def test_forms_of_0_1(form: Normalization, value: str, expected: str | None) -> None:
    """Workspaces of 0.1 keep the forms of their digests."""
    assert normal(form, value, RULES_OF_0_1) == expected


def test_fold_full_mappings() -> None:
    """C and F of the case folding, not T; lower-casing with the final sigma."""
    assert fold("\xdfI") == "ssi"
    assert lower("\u0391\u03a3.\u0391 \u0391\u03a3") == "\u03b1\u03c3.\u03b1 \u03b1\u03c2"


def test_idempotent_texts() -> None:
    """C1: n(n(x)) = n(x), for texts of characters that change under normalisation, and for domains of them."""
    source = random.Random(1)
    dots = [0x2E, 0x3002, 0x2024, 0x2488, 0xFF20, 0xFE6B, 0x40, 0xAD, 0x20, 0xA8, 0x345, 0x5D0, 0x31, 0xDF, 0x3C2]
    points = [*tables().fold, *tables().lower, *range(0x300, 0x370), *range(0xA0, 0x100), *range(0xFB00, 0xFE00)]
    texts = [*dirt.TEXTS, *dirt.EMAILS]
    for _ in range(20_000):
        pool = points if source.random() < 0.5 else dots
        text = "".join(chr(source.choice(pool)) for _ in range(source.randint(1, 4)))
        texts.append(source.choice(("", "a@", "a@x", "a@\u00e9.")) + text)
    for text in texts:
        for form in (Normalization.EMAIL, Normalization.LOWER, Normalization.TRIM):
            once = normal(form, text)
            assert once is not None
            assert normal(form, once) == once, (form, ascii(text))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", InvalidReason.EMPTY),
        (" \u3000", InvalidReason.EMPTY),
        ("a\x07", InvalidReason.CONTROL_CHARACTER),
        ("a\n", InvalidReason.CONTROL_CHARACTER),
        ("a\u200b", InvalidReason.FORMAT_CHARACTER),
        ("\u2066a", InvalidReason.FORMAT_CHARACTER),
        ("\xada", InvalidReason.FORMAT_CHARACTER),
        ("a\u0378", InvalidReason.UNASSIGNED_CHARACTER),
        ("a\ufffe\u200b", InvalidReason.UNASSIGNED_CHARACTER),
        ("x" * 513, InvalidReason.TOO_LONG),
        ("\u00e9" * 257, InvalidReason.TOO_LONG),
        # Joiners out of place.
        ("a\u200cb", InvalidReason.FORMAT_CHARACTER),
        ("\u200c\u0639", InvalidReason.FORMAT_CHARACTER),
        ("\u0631\u200c\u0639", InvalidReason.FORMAT_CHARACTER),
        ("\u0639\u200d\u0631", InvalidReason.FORMAT_CHARACTER),
        ("\U0001f469\u200d", InvalidReason.FORMAT_CHARACTER),
        ("\U0001f355\u200d\U0001f355", InvalidReason.FORMAT_CHARACTER),
        ("\u200d\U0001f469", InvalidReason.FORMAT_CHARACTER),
        ("1\u200d\U0001f525", InvalidReason.FORMAT_CHARACTER),
        ("\U0001f469\U0001f3fd\U0001f3fd\u200d\U0001f4bb", InvalidReason.FORMAT_CHARACTER),
        ("\U0001f3f4\U000e0067\U000e007f", InvalidReason.FORMAT_CHARACTER),
    ],
)
def test_invalid_values(value: str, expected: InvalidReason) -> None:
    """C2: empty, control, format, unassigned, over 512 bytes; of several unfit characters the first."""
    assert reason(value) is expected


@pytest.mark.parametrize(
    "value",
    [
        "x" * 512,
        "\u00e9" * 256,
        " a ",
        "\U0001f44d",
        "\ue000",
        "a\u2028b",
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
        "\u0639\u064b\u200c\u064b\u0631",
        "\u0d28\u0d4d\u200d",
        "\u0915\u094d\u200c\u0937",
        "Hydes \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
        "\u2764\ufe0f\u200d\U0001f525",
        "\u2764\u200d\U0001f525",
    ],
)
def test_valid_values(value: str) -> None:
    """What C2 does not name is fine, joiners in their places too."""
    assert reason(value) is None


def test_every_emoji_of_the_data_is_one() -> None:
    """C2: the recommended sequences, also without the selectors that senders drop."""
    listed = tables().joined_emoji
    assert len(listed) > 1500
    for sequence in (*listed, *(one.replace("\ufe0f", "") for one in listed)):
        assert reason(sequence) is None, ascii(sequence)


def test_values_are_judged_after_c1() -> None:
    """C2: what C1 takes away does no harm, and what it adds counts."""
    trimmed = TypeSettings(normalization=Normalization.TRIM)
    assert unfit("b1\r\n", form_of("b1\r\n", trimmed, RULES_NOW, Hits()), Hits()) is None
    folded = replace(trimmed, normalization=Normalization.LOWER)
    long = "\u0390" * 200
    assert unfit(long, form_of(long, folded, RULES_NOW, Hits()), Hits()) is None
    assert unfit("\u00df" * 257, form_of("\u00df" * 257, folded, RULES_NOW, Hits()), Hits()) is InvalidReason.TOO_LONG
