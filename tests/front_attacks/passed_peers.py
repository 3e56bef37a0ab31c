"""Peers that call without end what is passed through to the server behind, or asks the database."""

from random import Random
from typing import Final

from tests.front_attacks.frames import WINDOW_UPDATE, call, frame, greeting, message
from tests.front_attacks.peers import IDENTIFY, Attack, flood, identify

IMPORT_PROFILES: Final = "/utterson.v1.WorkspaceService/ImportProfiles"
REFLECTION: Final = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
_CONNECTIONS: Final = 4
# A name twice would do no harm.
_CHANCE: Final = Random()
_CALLS: Final = 50
# All answers of a connection may come.
_OPEN: Final = greeting() + frame(WINDOW_UPDATE, 0, 0, (2**30).to_bytes(4))
# Asks which file defines the service: field 4 of the question.
_QUESTION: Final = message(b"\x22\x1butterson.v1.IdentityService")


async def _calls(host: str, port: int, path: str, content: bytes) -> None:
    def chunk(number: int) -> bytes:
        streams = range(2 * number * _CALLS + 1, 2 * (number + 1) * _CALLS, 2)
        return b"".join(call(stream, path, content) for stream in streams)

    await flood(host, port, _CONNECTIONS, _OPEN, chunk)


async def unknown_methods(host: str, port: int) -> None:
    """Call methods that there are not."""
    await _calls(host, port, "/utterson.v1.IdentityService/Identity", message(identify("unknown")))


async def import_flood(host: str, port: int) -> None:
    """Begin uploads, each of which is to be refused for its first message."""
    await _calls(host, port, IMPORT_PROFILES, message(b""))


async def reflection_flood(host: str, port: int) -> None:
    """Ask for the API's descriptors."""
    await _calls(host, port, REFLECTION, _QUESTION)


async def random_workspaces(host: str, port: int) -> None:
    """Call workspaces that nobody made, each once."""

    def chunk(number: int) -> bytes:
        streams = range(2 * number * _CALLS + 1, 2 * (number + 1) * _CALLS, 2)
        return b"".join(
            call(stream, IDENTIFY, message(identify("w", f"n{_CHANCE.getrandbits(40)}"))) for stream in streams
        )

    await flood(host, port, _CONNECTIONS, _OPEN, chunk)


PASSED_ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__: attack for attack in (unknown_methods, import_flood, reflection_flood, random_workspaces)
}
