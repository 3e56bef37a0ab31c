"""The etag of a policy: the same on every replica, for it depends on the policy and its number only."""

import hashlib


def policy_etag(policy_revision: int, policy: bytes) -> str:
    """Give the etag of a policy, an opaque word."""
    digest = hashlib.blake2b(policy_revision.to_bytes(8, "big") + policy, digest_size=12, person=b"utterson-etag")
    return digest.hexdigest()
