"""Policies that contradict themselves, and the fields that must be named, all at once."""

from dataclasses import dataclass

from tests.bad_input.refusals import CANARY
from utterson.v1 import policy_pb2 as pb

MERGE = pb.MergeStrategy()
ISOLATION = pb.IsolationStrategy(on_new_known_user=pb.ON_NEW_KNOWN_USER_CREATE_PROFILE, on_logout=pb.ON_LOGOUT_IDENTIFY)
TYPE = pb.IdentifierType(name="email")
NUMBER = 99


@dataclass(frozen=True)
class BadPolicy:
    """A policy, and the paths of its faults."""

    name: str
    policy: pb.Policy
    fields: tuple[str, ...]


def merging(*types: pb.IdentifierType) -> pb.Policy:
    """Make a merge policy of types."""
    return pb.Policy(identifier_types=types, merge=MERGE)


def isolating(*types: pb.IdentifierType) -> pb.Policy:
    """Make an isolation policy of types."""
    return pb.Policy(identifier_types=types, isolation=ISOLATION)


def named(name: str) -> pb.IdentifierType:
    """Make a type of a name."""
    return pb.IdentifierType(name=name)


_FIRST = "policy.identifier_types[0]"
_FLAGS = pb.IdentifierType(name="email", unique=True, login=True, immutable=True)
_LIMITED = pb.IdentifierType(name="email", limit=pb.Limit(max_values=1))
POLICIES = [
    BadPolicy("no strategy", pb.Policy(identifier_types=[TYPE]), ("policy",)),
    BadPolicy("nothing at all", pb.Policy(), ("policy",)),
    BadPolicy("two types of one name", merging(TYPE, named("user_id"), TYPE), ("policy.identifier_types[2].name",)),
    BadPolicy(
        "malformed names",
        merging(named(""), named("A"), named("1a"), named("a-b"), named(CANARY), named("a" * 64)),
        tuple(f"policy.identifier_types[{place}].name" for place in range(6)),
    ),
    BadPolicy(
        "flags in a merge policy", merging(_FLAGS), tuple(f"{_FIRST}.{f}" for f in ("unique", "login", "immutable"))
    ),
    BadPolicy("a limit in an isolation policy", isolating(_LIMITED), (f"{_FIRST}.limit",)),
    BadPolicy(
        "immutable without unique",
        isolating(pb.IdentifierType(name="email", login=True, immutable=True)),
        (f"{_FIRST}.immutable",),
    ),
    BadPolicy(
        "immutable without login",
        isolating(pb.IdentifierType(name="email", unique=True, immutable=True)),
        (f"{_FIRST}.immutable",),
    ),
    BadPolicy(
        "a pattern that does not compile",
        merging(
            pb.IdentifierType(name="email", blocked=[pb.BlockedValue(exact="x"), pb.BlockedValue(regex=f"({CANARY}")])
        ),
        (f"{_FIRST}.blocked[1].regex",),
    ),
    BadPolicy(
        "a pattern for all types that does not compile",
        pb.Policy(merge=MERGE, blocked=[pb.BlockedValue(regex=f"{CANARY}(?=x)")]),
        ("policy.blocked[0].regex",),
    ),
    BadPolicy("a pattern of no kind", pb.Policy(merge=MERGE, blocked=[pb.BlockedValue()]), ("policy.blocked[0]",)),
    BadPolicy("a default type with a name", pb.Policy(merge=MERGE, default_type=TYPE), ("policy.default_type.name",)),
    BadPolicy(
        "a default type with flags",
        pb.Policy(merge=MERGE, default_type=pb.IdentifierType(login=True)),
        ("policy.default_type.login",),
    ),
    BadPolicy(
        "an unknown region",
        merging(pb.IdentifierType(name="phone", normalization=pb.NORMALIZATION_PHONE, region="ZZ")),
        (f"{_FIRST}.region",),
    ),
    BadPolicy(
        "unspecified strategy settings",
        pb.Policy(isolation=pb.IsolationStrategy()),
        ("policy.isolation.on_new_known_user", "policy.isolation.on_logout"),
    ),
    BadPolicy(
        "unknown numbers",
        pb.Policy(
            identifier_types=[
                pb.IdentifierType(
                    name="email",
                    normalization=pb.Normalization.ValueType(NUMBER),
                    limit=pb.Limit(
                        max_values=1,
                        window=pb.Window.ValueType(NUMBER),
                        scope=pb.LimitScope.ValueType(NUMBER),
                        on_exceeded=pb.OnExceeded.ValueType(-1),
                    ),
                )
            ],
            unlisted_types=pb.UnlistedTypes.ValueType(NUMBER),
            merge=MERGE,
        ),
        (
            f"{_FIRST}.normalization",
            f"{_FIRST}.limit.window",
            f"{_FIRST}.limit.scope",
            f"{_FIRST}.limit.on_exceeded",
            "policy.unlisted_types",
        ),
    ),
    BadPolicy(
        "unknown numbers of the isolation strategy",
        pb.Policy(
            isolation=pb.IsolationStrategy(
                on_new_known_user=pb.OnNewKnownUser.ValueType(NUMBER), on_logout=pb.OnLogout.ValueType(NUMBER)
            )
        ),
        ("policy.isolation.on_new_known_user", "policy.isolation.on_logout"),
    ),
    BadPolicy(
        "all of it at once",
        pb.Policy(
            identifier_types=[
                pb.IdentifierType(name=CANARY, region="ZZ", limit=pb.Limit(max_values=1)),
                pb.IdentifierType(name="email", immutable=True, blocked=[pb.BlockedValue(regex="(")]),
                TYPE,
            ],
            default_type=TYPE,
            blocked=[pb.BlockedValue()],
            isolation=pb.IsolationStrategy(on_logout=pb.ON_LOGOUT_IDENTIFY),
        ),
        (
            "policy.isolation.on_new_known_user",
            f"{_FIRST}.name",
            f"{_FIRST}.region",
            f"{_FIRST}.limit",
            "policy.identifier_types[1].immutable",
            "policy.identifier_types[2].name",
            "policy.default_type.name",
            "policy.identifier_types[1].blocked[0].regex",
            "policy.blocked[0]",
        ),
    ),
]
