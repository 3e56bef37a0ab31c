"""C1, PHONE: what is taken for a telephone number, and its one form."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneNumber, PhoneNumberFormat, ValidationResult

from tests.model.hits import Branch, Hits
from tests.model.unicode_data import is_white_space, trim, unicodedata2

# What people write for each separator, and the one character that stands for it here.
SEPARATORS = {
    "+": "+\uff0b",
    "-": "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d",
    "(": "(\uff08",
    ")": ")\uff09",
    "/": "/\uff0f",
    ".": ".\uff0e",
}
PLAIN = {character: plain for plain, characters in SEPARATORS.items() for character in characters}
SPREADSHEET = re.compile(r"([0-9]+)\.0+")
LEADING_PLUS = re.compile(r"[ ()-]*\+?[^+]*")
COUNTRY_AND_DOT = re.compile(r"\+([0-9]{1,3})\.")
DIGITS_AFTER_SLASH_MIN = 5
MEXICO = 52


def plain_text(value: str) -> str | None:
    """Write digits and separators in ASCII; None where there is any other character."""
    characters = []
    for character in trim(value):
        digit = unicodedata2.decimal(character, -1)
        if digit >= 0:
            characters.append(str(digit))
        elif is_white_space(character):
            characters.append(" ")
        elif character in PLAIN:
            characters.append(PLAIN[character])
        else:
            return None
    return "".join(characters)


def are_dots_between_groups(text: str, hits: Hits) -> str | None:
    """Tell whether each dot stands between two groups of two or more digits.

    Returns:
        The digits that must be a country code for it, since they stand before a dot that does not (EPP); empty where
        there is no such dot; None where a dot is out of place.
    """
    country = ""
    for position, character in enumerate(text):
        if character != ".":
            continue
        if re.search(r"[0-9]{2}\Z", text[:position]) and re.match(r"[0-9]{2}", text[position + 1 :]):
            continue
        leading = COUNTRY_AND_DOT.fullmatch(text[: position + 1])
        if leading is None or not re.match(r"[0-9]", text[position + 1 :]):
            return None
        hits[Branch.C1_PHONE_AFTER_COUNTRY] += 1
        country = leading[1]
    return country


def phone(value: str, region: str, hits: Hits) -> str | None:
    """C1: E.164; None for what is no telephone number.

    A number whose E.164 form does not read back as itself is none, since C1 is idempotent.
    """
    text = plain_text(value)
    if text is None:
        return None
    from_spreadsheet = SPREADSHEET.fullmatch(text)
    if from_spreadsheet is not None:
        hits[Branch.C1_PHONE_SPREADSHEET] += 1
        text = from_spreadsheet[1]
    country = are_dots_between_groups(text, hits)
    if country is None or LEADING_PLUS.fullmatch(text) is None or text.count("/") > 1:
        return None
    before, slash, after = text.partition("/")
    if slash and not (re.search("[0-9]", before) and len(re.findall("[0-9]", after)) >= DIGITS_AFTER_SLASH_MIN):
        return None
    dialled = re.sub("[^+0-9]", "", text)
    number = read(dialled, region, hits)
    if number is None or (country and country != str(number.country_code)):
        return None
    formatted = write(number)
    again = read(formatted, "", Hits())
    return formatted if again is not None and write(again) == formatted else None


def read(dialled: str, region: str, hits: Hits) -> PhoneNumber | None:
    """Read a number of a possible length; old forms become new ones before the length is judged."""
    try:
        number = phonenumbers.parse(dialled, region or None)
        raw = phonenumbers.parse(dialled, region or None, keep_raw_input=True)  # tells where the country code was
    except phonenumbers.NumberParseException:
        return None
    national = phonenumbers.national_significant_number(number)
    if len(national) > len(national_dialled(dialled, raw)):
        hits[Branch.C1_PHONE_LOCAL] += 1
        return None
    if number.country_code == MEXICO and re.match(r"1[0-9]", national):  # +52 1 is +52
        hits[Branch.C1_PHONE_OLD_FORM] += 1
        rest = national[1:]
        zeros = len(rest) - len(rest.lstrip("0"))
        number = PhoneNumber(MEXICO, int(rest), None, zeros > 0 or None, zeros if zeros > 1 else None)
    possible = phonenumbers.is_possible_number_with_reason(number)
    return number if possible == ValidationResult.IS_POSSIBLE else None


def national_dialled(dialled: str, number: PhoneNumber) -> str:
    """Return what was dialled behind the country code.

    Where the library's number is longer, its tables put an area code before a local number: two numbers would be one.
    """
    digits = dialled.lstrip("+")
    country = str(number.country_code)
    if number.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY:
        return digits
    return digits[digits.index(country) + len(country) :]


def write(number: PhoneNumber) -> str:
    """Write a number in E.164."""
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def phone_of_0_1(value: str, region: str) -> str | None:
    """Return the form that 0.1 gave a number (rules version 0)."""
    formatted = _once_of_0_1(value, region)
    return formatted if formatted is not None and _once_of_0_1(formatted, "") == formatted else None


def _once_of_0_1(value: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(value, region or None)
    except phonenumbers.NumberParseException:
        return None
    length = phonenumbers.is_possible_number_with_reason(number)
    return None if length != ValidationResult.IS_POSSIBLE or number.extension else write(number)
