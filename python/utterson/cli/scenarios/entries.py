"""Reads typed values out of YAML mappings; every fault names its place in the file."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NoReturn, TypeVar

from utterson.cli.scenarios.records import Pair, ScenarioFileError, State, StateByType

Choice = TypeVar("Choice", bound=StrEnum)

_SYMBOL: Final = re.compile(r"P[1-9][0-9]*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Entry:
    """One mapping of the file.

    Args:
        source: what YAML made of it.
        where: its place, for people.
        keys: the keys that it may have.

    Raises:
        ScenarioFileError: it is no mapping, or has an unknown key.
    """

    def __init__(self, source: object, where: str, keys: frozenset[str]) -> None:
        self.where = where
        if not isinstance(source, Mapping):
            self.fail("this must be a mapping")
        self._source = source
        unknown = sorted(str(key) for key in source if key not in keys)
        if unknown:
            self.fail(f"unknown key {', '.join(unknown)}; known are {', '.join(sorted(keys))}")

    def __contains__(self, key: str) -> bool:
        """Tell whether the key is there, with whatever value."""
        return key in self._source

    def fail(self, sentence: str) -> NoReturn:
        """Refuse the file."""
        raise ScenarioFileError(f"{self.where}: {sentence}")

    def value(self, key: str) -> object:
        """Take a value as it is; None where the key is absent."""
        return self._source.get(key)

    def text(self, key: str) -> str | None:
        """Take a text; a number must be put in quotes, for YAML forgets how it was written."""
        value = self.value(key)
        if value is not None and not isinstance(value, str):
            self.fail(f"{key} must be a text; put it in quotes")
        return value

    def required_text(self, key: str) -> str:
        """Take a text that must be there."""
        text = self.text(key)
        if text is None:
            self.fail(f"{key} is missing")
        return text

    def symbol(self, key: str) -> str | None:
        """Take the symbol of a profile."""
        text = self.text(key)
        return None if text is None else self.check_symbol(text)

    def check_symbol(self, text: object) -> str:
        """Refuse what is no symbol of a profile."""
        if not isinstance(text, str) or not _SYMBOL.fullmatch(text):
            self.fail(f"{text!r} is no profile; write P1, P2, …")
        return text

    def choice(self, key: str, choices: type[Choice]) -> Choice | None:
        """Take one of a closed list of words."""
        text = self.text(key)
        return None if text is None else self.check_choice(text, choices, key)

    def check_choice(self, text: str, choices: type[Choice], key: str) -> Choice:
        """Refuse what is not of the closed list."""
        try:
            return choices(text)
        except ValueError:
            self.fail(f"{key} is {text!r}; it must be one of {', '.join(choices)}")

    def boolean(self, key: str) -> bool | None:
        """Take true or false."""
        value = self.value(key)
        if value is not None and not isinstance(value, bool):
            self.fail(f"{key} must be true or false")
        return value

    def count(self, key: str) -> int:
        """Take a number of things; 0 where the key is absent."""
        value = self.value(key)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.fail(f"{key} must be a whole number")
        return value

    def time_us(self, key: str) -> int | None:
        """Take a time in ISO 8601, UTC unless it says otherwise, as microseconds since 1970."""
        value = self.value(key)
        if value is None:
            return None
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{key} must be a time such as '2024-01-01T10:00:00Z'")
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return (time - _EPOCH) // timedelta(microseconds=1)

    def items(self, key: str) -> list[object]:
        """Take a list; empty where the key is absent."""
        value = self.value(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(f"{key} must be a list")
        return value

    def pairs(self, key: str) -> tuple[Pair, ...]:
        """Take a list of identifiers {type: value}."""
        return tuple(self.check_pair(item, key) for item in self.items(key))

    def check_pair(self, item: object, key: str) -> Pair:
        """Refuse what is not one identifier."""
        if not isinstance(item, Mapping) or len(item) != 1:
            self.fail(f"an entry of {key} must be one identifier {{type: value}}")
        [(name, value)] = item.items()
        if not isinstance(name, str) or not isinstance(value, str):
            self.fail(f"type and value of an entry of {key} must be texts; put them in quotes")
        return (name, value)

    def values_by_type(self, key: str) -> StateByType:
        """Take identifiers as {type: [values]}."""
        value = self.value(key)
        return {} if value is None else self.check_values_by_type(value, key)

    def check_values_by_type(self, value: object, key: str) -> StateByType:
        """Refuse what is not {type: [values]}."""
        if not isinstance(value, Mapping):
            self.fail(f"{key} must be {{type: [values]}}")
        for name, values in value.items():
            texts = isinstance(values, list) and all(isinstance(text, str) for text in values)
            if not isinstance(name, str) or not texts:
                self.fail(f"{key} must be {{type: [values]}}, the values in quotes")
        return {name: list(values) for name, values in value.items()}

    def state(self, key: str) -> State | None:
        """Take {profile: {type: [values]}}; None where the key is absent."""
        value = self.value(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.fail(f"{key} must be {{profile: {{type: [values]}}}}")
        return {
            self.check_symbol(symbol): self.check_values_by_type(types, f"{key} of {symbol}")
            for symbol, types in value.items()
        }
