"""Which symbol of a scenario stands for which profile id of the server."""

import secrets
from typing import Final

# Ids are below 2^53 and keyed, so one drawn by chance is valid and surely not in use.
_ID_BITS: Final = 53


class Symbols:
    """Binds P1, P2, … to the ids that the server answers, in order of creation."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._symbols: dict[int, str] = {}
        self._strangers: dict[str, int] = {}

    def bind(self, profile_id: int) -> str:
        """Give a new profile the next symbol; one that has a symbol keeps it."""
        known = self._symbols.get(profile_id)
        if known is not None:
            return known
        symbol = f"P{len(self._ids) + 1}"
        self._ids[symbol] = profile_id
        self._symbols[profile_id] = symbol
        return symbol

    def bound(self) -> dict[str, int]:
        """Tell all symbols that stand for a profile, in order of creation."""
        return dict(self._ids)

    def id_of(self, symbol: str | None) -> int:
        """Tell a symbol's id: 0 for none, and a valid id that does not exist for a profile that no step created."""
        if symbol is None:
            return 0
        if symbol in self._ids:
            return self._ids[symbol]
        return self._strangers.setdefault(symbol, secrets.randbelow(2**_ID_BITS - 1) + 1)

    def name_of(self, profile_id: int) -> str:
        """Tell an id's symbol; "none" for 0."""
        if profile_id == 0:
            return "none"
        return self._symbols.get(profile_id, "an unknown profile")
