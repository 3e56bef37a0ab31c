"""Page tokens: one is read as it was written, and whatever else is sent is refused with PAGE_TOKEN_INVALID."""

import base64
import random
import time
from contextlib import suppress
from typing import Final

import pytest

from utterson.application.paging import PageTokens, text_position_told
from utterson.domain.errors import Reason, UttersonError
from utterson.internal.v1.token_pb2 import PageToken

INT64_MAX: Final = 2**63 - 1
NUMBERS: Final = (0, 1, -1, 7, 2**31, INT64_MAX, -INT64_MAX - 1)
TEXTS: Final = ("", "soho", "é/ö", "0" * 63, "\U0010ffff", "a\0b", "🙂")
# What URLs, callers and other alphabets of base64 bring in.
SIGNS: Final = "AQgwz09-_+/= \n\0%é\ud7ff\U0010ffff"
# A token of a key and a list of ours, and of those that differ from it in one thing.
LISTS: Final[tuple[tuple[str | int, ...], ...]] = (
    ("events", "soho", 1),
    ("events", "soho", 2),
    ("events", "soh", 1),
    ("history", "soho", 1),
    ("events", "soho"),
)


class TokenFuzz:
    """Random tokens, and random changes of them.

    Args:
        seed: draws them.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def once(self) -> None:
        """Make a token, read it, and read others in its place; raises AssertionError where that comes out wrong."""
        draw = self._random
        key = draw.randbytes(16)
        position = [draw.choice((draw.choice(NUMBERS), draw.getrandbits(63))) for _ in range(draw.randrange(4))]
        text = draw.choice(TEXTS)
        arguments = draw.choice(LISTS)
        tokens = PageTokens(key, *arguments)
        token = tokens.write(position, text)
        assert tokens.read(token, len(position)) == (position, text)
        assert text_position_told(token) == text
        self._refused(tokens, token, len(position) + 1)
        self._refused(PageTokens(draw.randbytes(16), *arguments), token, len(position))
        others = draw.choice([other for other in LISTS if other != arguments])
        self._refused(PageTokens(key, *others), token, len(position))
        for changed in (self._spoilt(token), self._spelt(token), self._forged(token), self._anything()):
            if changed not in {token, ""}:
                self._refused(tokens, changed, len(position))

    def _refused(self, tokens: PageTokens, token: str, positions: int) -> None:
        with pytest.raises(UttersonError) as caught:
            tokens.read(token, positions)
        assert caught.value.reason is Reason.PAGE_TOKEN_INVALID, token
        # What it claims is told without a proof, or refused the same way.
        with suppress(UttersonError):
            text_position_told(token)

    def _spoilt(self, token: str) -> str:
        """Change some signs."""
        signs = list(token)
        for _ in range(self._random.randint(1, 3)):
            place = self._random.randrange(len(signs) + 1)
            match self._random.randrange(4):
                case 0:
                    signs[place : place + 1] = [self._random.choice(SIGNS)]
                case 1:
                    signs.insert(place, self._random.choice(SIGNS))
                case 2:
                    del signs[place : place + self._random.randint(1, 8)]
                case _:
                    signs[place:place] = signs[:place]
        return "".join(signs)

    def _spelt(self, token: str) -> str:
        """Write the same bytes otherwise."""
        other = token.replace("-", "+").replace("_", "/")
        return self._random.choice((token + "=" * (-len(token) % 4 or 4), other, f" {token}", f"{token}\n"))

    def _forged(self, token: str) -> str:
        """Take another position, or more than one ever wrote, under the proof of this one."""
        message = PageToken.FromString(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        match self._random.randrange(3):
            case 0:
                message.position.append(self._random.choice(NUMBERS))
            case 1:
                message.text_position += "x"
            case _:
                message.list = self._random.randbytes(16)
        # An unknown field behind it, now and then.
        encoded = message.SerializeToString() + self._random.choice((b"", b"\x78\x01"))
        return base64.urlsafe_b64encode(encoded).decode().rstrip("=")

    def _anything(self) -> str:
        length = self._random.choice((1, 3, 40, 511, 512, 513, 5_000))
        if self._random.random() < 0.5:
            return "".join(self._random.choices(SIGNS, k=length))
        return base64.urlsafe_b64encode(self._random.randbytes(length)).decode().rstrip("=")


def run(seconds: float, seed: int) -> int:
    """Read random tokens for some processor time; tell how many were made."""
    fuzz, made = TokenFuzz(seed), 0
    began_s = time.process_time()
    while time.process_time() - began_s < seconds:
        fuzz.once()
        made += 1
    return made
