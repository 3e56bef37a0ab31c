"""Lines to try by hand once the demo serves."""

import json
import shlex
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from utterson.cli.demo.playing import GRAPH, ISOLATION, Performance


def print_hints(console: Console, address: str, performances: Sequence[Performance]) -> None:
    """Print three calls for grpcurl about the profiles of the demo.

    Args:
        console: where to print; the lines are not wrapped, so that they can be copied.
        address: where the server listens.
        performances: of both documents.
    """
    by_seed = {performance.seed: performance for performance in performances}
    isolation, graph = by_seed[ISOLATION], by_seed[GRAPH]
    customer = {"type": "customer_id", "value": "ABC123"}
    identify = {"workspace": isolation.workspace, "identifiers": [customer], "explain": True}
    get_profile = {"workspace": isolation.workspace, "profile_id": str(isolation.profile_ids.get("P2", 0))}
    search = {"workspace": graph.workspace, "identifiers": [{"type": "ios.id", "value": "ipad"}], "explain": True}
    console.print()
    console.print(Text("Try it:", style="bold"))
    for request, method in (
        (identify, "utterson.v1.IdentityService/Identify"),
        (get_profile, "utterson.v1.ProfileService/GetProfile"),
        (search, "utterson.v1.IdentityService/Search"),
    ):
        console.print(Text(_grpcurl(request, address, method)), soft_wrap=True)
    console.print()


def _grpcurl(request: Mapping[str, object], address: str, method: str) -> str:
    return shlex.join(["grpcurl", "-plaintext", "-d", json.dumps(request, separators=(",", ":")), address, method])
