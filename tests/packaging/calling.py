"""Run by a fresh environment, `calling.py ADDRESS`: calls a server, and tells what was imported for it."""

import asyncio
import json
import sys

from utterson.client import CallRefused, ImportedProfile, UttersonClient
from utterson.v1.resolution_pb2 import Outcome


async def play(address: str) -> dict[str, object]:
    """Make a call of each kind: one that writes, one that is refused, a list, a stream."""
    async with UttersonClient(address) as client:
        await client.create_workspace("alone", preset="identity_graph_rules")
        created = await client.identify("alone", [("email", "ed.hyde@example.com")], traits={"name": "Edward"})
        read = await client.get_profile("alone", created.profile_id, at_least=created.revision)
        imported = await client.import_profiles("alone", [ImportedProfile([("user_id", "poole")])])
        revisions = [revision async for revision in client.list_policy_revisions("alone")]
        try:
            await client.search("alone", [("user_id", "nobody")])
            refused = ""
        except CallRefused as refusal:
            refused = str(refusal)
    return {
        "outcome": Outcome.Name(created.outcome),
        "name": read.profile.traits["name"],
        "imported": len(imported),
        "revisions": len(revisions),
        "refused": refused,
    }


if __name__ == "__main__":
    answers = asyncio.run(play(sys.argv[1]))
    print(json.dumps({**answers, "imported_modules": sorted(sys.modules)}))
