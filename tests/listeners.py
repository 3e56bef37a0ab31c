"""The two ways to listen, so that a suite can be run through both."""

from collections.abc import Callable
from typing import Final

from utterson.application.calls.identity import IdentityService
from utterson.engine.front import Front
from utterson.main import front_limits
from utterson.server.front.listener import FrontListener, Listener, ServerBehind
from utterson.server.rpc.server import REFLECTION, SERVICES
from utterson.settings.listening import FrontChoice
from utterson.settings.process import Settings

FRONTS: Final = tuple(FrontChoice)


def listener(
    front: FrontChoice,
    grpc_server: Callable[[str], ServerBehind],
    identity: IdentityService,
    **settings: object,
) -> Listener:
    """Build what listens at a free port of this machine: the front before a server of gRPC, or that alone.

    Args:
        front: which way.
        grpc_server: makes the server of gRPC, given its address.
        identity: what answers the calls that a front takes.
        settings: settings other than the default.
    """
    if front is FrontChoice.OFF:
        return grpc_server("127.0.0.1:0")
    chosen = Settings.model_validate({"listen": "127.0.0.1:0"} | settings)
    return FrontListener(
        Front,
        grpc_server,
        identity,
        listen=chosen.listen,
        services=SERVICES,
        limits=front_limits(chosen),
        others=(REFLECTION,),
    )
