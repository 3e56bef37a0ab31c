"""C1 and the judgement of values in C2."""

from __future__ import annotations

from tests.model.domains import to_ascii
from tests.model.hits import Branch, Hits
from tests.model.joiners import may_stand
from tests.model.phone import phone, phone_of_0_1
from tests.model.policy import RULES_OF_0_1, Normalization, TypeSettings
from tests.model.records import InvalidReason
from tests.model.unicode_data import fold, lower, nfc, nfkc, trim, unicodedata2

MAX_VALUE_BYTES = 512
UNFIT_CATEGORIES = {
    "Cc": InvalidReason.CONTROL_CHARACTER,
    "Cf": InvalidReason.FORMAT_CHARACTER,
    "Cn": InvalidReason.UNASSIGNED_CHARACTER,
}
# What is an @ after NFKC: were it none here, normalising twice would find a domain that normalising once did not.
AT_SIGNS = "@\uff20\ufe6b"


def fold_compatibly(value: str) -> str:
    """NFKC, case folding, NFKC."""
    return nfkc(fold(nfkc(value)))


def email(value: str, hits: Hits) -> str:
    """The local part folded, no dot or plus left out; the domain, what follows the last @, in ASCII."""
    value = trim(value)
    place = max(value.rfind(sign) for sign in AT_SIGNS)
    if place < 0:
        return trim(fold_compatibly(value))
    return trim(fold_compatibly(value[:place]) + "@" + domain(value[place + 1 :], hits))


def domain(value: str, hits: Hits) -> str:
    """ToASCII of the domain as sent; folded only where it does not convert.

    A folded one may convert, as one with U+2024 for its dot does: then that is its form, or normalising twice
    would change it.
    """
    converted = to_ascii(value)
    if converted is not None:
        if not value.isascii():
            hits[Branch.C1_DOMAIN] += 1
        return converted
    folded = fold_compatibly(value)
    again = to_ascii(folded)
    hits[Branch.C1_DOMAIN_FOLDED if again is None else Branch.C1_DOMAIN_FOLDED_CONVERTS] += 1
    return folded if again is None else again


def form_of_0_1(value: str, settings: TypeSettings) -> str | None:
    """The form that 0.1 compared."""
    match settings.normalization:
        case Normalization.NONE:
            return value
        case Normalization.TRIM:
            return trim(value)
        case Normalization.LOWER:
            return lower(value)
        case Normalization.EMAIL:
            return trim(fold_compatibly(value))
        case Normalization.PHONE:
            return phone_of_0_1(value, settings.region)


def form_of(value: str, settings: TypeSettings, rules_version: int, hits: Hits) -> str | None:
    """C1: bring a value into the form that is compared, byte for byte; None for what is no telephone number."""
    if rules_version == RULES_OF_0_1:
        return form_of_0_1(value, settings)
    match settings.normalization:
        case Normalization.NONE:
            return value
        case Normalization.TRIM:
            return trim(nfc(value))
        case Normalization.LOWER:
            return trim(nfc(fold(nfc(value))))
        case Normalization.EMAIL:
            return email(value, hits)
        case Normalization.PHONE:
            return phone(value, settings.region, hits)


def is_unfit_by_0_1(raw: str, form: str | None) -> bool:
    """Tell whether 0.1 refused a value: blanks were values, and joiners were dirt everywhere."""
    if not raw or not form or len(form.encode()) > MAX_VALUE_BYTES:
        return True
    return any(unicodedata2.category(character) in UNFIT_CATEGORIES for character in form)


def unfit(raw: str, form: str | None, hits: Hits) -> InvalidReason | None:
    """C2, judged after C1: tell why a value cannot be an identifier's.

    The first that applies: nothing there, the first unfit character, too much there.
    """
    if not trim(raw):
        return InvalidReason.EMPTY
    if form is None:
        return InvalidReason.NOT_A_PHONE_NUMBER
    if not trim(form):
        return InvalidReason.EMPTY
    for position, character in enumerate(form):
        reason = UNFIT_CATEGORIES.get(unicodedata2.category(character))
        if reason is not None and not may_stand(form, position, hits):
            return reason
    return InvalidReason.TOO_LONG if len(form.encode()) > MAX_VALUE_BYTES else None
