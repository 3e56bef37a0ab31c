"""ImportProfiles: takes over an existing graph, oldest profile first, all or nothing.

What holds for it and what does not: docs/decisions/0006-readings-of-the-rules.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.model.hits import Branch, Hits
from tests.model.policy import RULES_OF_0_1, Policy
from tests.model.records import ImportMessage, JsonValue, Reason, RefusedError
from tests.model.state import State, attach
from tests.model.structs import check_struct, check_text
from tests.model.traits import refuse_grown, write_traits
from tests.model.values import Item, read_item, refuse_as_0_1, refuse_two_values, sort_out

MAX_PROFILES = 100_000


def read_messages(policy: Policy, messages: Sequence[ImportMessage], request_id: str, hits: Hits) -> list[list[Item]]:
    """C2, which but for its 32 identifiers holds here too: refuse what needs no state; name the first fault."""
    if not 1 <= len(messages) <= MAX_PROFILES:
        raise RefusedError(Reason.FIELD_INVALID)
    read = []
    for index, message in enumerate(messages):
        try:
            if index == 0:
                check_text(request_id)
            if not message.identifiers:
                raise RefusedError(Reason.FIELD_INVALID)
            check_struct(message.traits, are_traits=True)
            read.append([read_item(policy, name, raw, hits) for name, raw in message.identifiers])
        except RefusedError as refused:
            raise RefusedError(refused.reason, index) from None
    return read


def refuse_messages_as_0_1(policy: Policy, read: list[list[Item]], hits: Hits) -> None:
    """To 0.1 an unfit value was a fault of its message's shape, before another content of a known id (C7)."""
    for index, items in enumerate(read):
        try:
            refuse_as_0_1(policy, items, hits)
        except RefusedError as refused:
            raise RefusedError(refused.reason, index) from None


def content_of(messages: Sequence[ImportMessage], read: list[list[Item]]) -> JsonValue:
    """C7: the content of an import, identifiers as normalised."""
    content: list[JsonValue] = []
    for message, items in zip(messages, read, strict=True):
        keys: list[JsonValue] = [[item.type, item.value] for item in items]
        traits: list[JsonValue] = [[name, value] for name, value in sorted((message.traits or {}).items())]
        content.append([keys, traits, message.create_time_us, message.merges])
    return content


def usable_items(policy: Policy, items: list[Item], hits: Hits) -> list[Item]:
    """C3 to C6 and C12: what is left of a message's identifiers; refuse what needs no state.

    An invalid value is a fault of its line whatever the policy says, but a blocked one is set aside before that.
    """
    refuse_as_0_1(policy, items, hits)
    usable = [item for item in sort_out(policy, items, hits, refuses=True) if item.set_aside is None]
    refuse_two_values(policy, usable, hits)
    if not usable:  # C5
        raise RefusedError(Reason.NO_USABLE_IDENTIFIER)
    return usable


def refuse_future(policy: Policy, message: ImportMessage, now_us: int, hits: Hits) -> None:
    """C11: a `create_time` in the future is a fault of its line; 0.1 took it."""
    if policy.rules_version == RULES_OF_0_1 or message.create_time_us is None:
        return
    if message.create_time_us <= now_us:
        return
    hits[Branch.IMPORT_FUTURE] += 1
    raise RefusedError(Reason.FIELD_INVALID)


def import_one(
    policy: Policy, state: State, message: ImportMessage, usable: list[Item], now_us: int, hits: Hits
) -> int:
    """Make one profile; its identifiers count as added, and as seen, at `create_time` (absent: now)."""
    time_us = now_us if message.create_time_us is None else message.create_time_us
    profile = state.create(time_us)
    profile.merges = message.merges
    for item in usable:
        is_exclusive = policy.merge is not None or policy.settings(item.type).unique  # M1, I5
        if is_exclusive and state.holders(item.key):
            raise RefusedError(Reason.IDENTIFIERS_HELD_BY_OTHERS)
        attach(profile, item.key, item.told, time_us)
    winning = write_traits(profile, message.traits, time_us, state.order, hits)
    refuse_grown([{}], winning, profile.traits, hits)
    return profile.ordinal


def import_all(
    policy: Policy, state: State, messages: Sequence[ImportMessage], read: list[list[Item]], now_us: int, hits: Hits
) -> tuple[int, ...]:
    """Make all profiles on a working copy of the state; the first fault is named by message index.

    What the policy refuses in any message comes before what the state refuses.
    """
    usable = []
    for index, (message, items) in enumerate(zip(messages, read, strict=True)):
        try:
            refuse_future(policy, message, now_us, hits)
            usable.append(usable_items(policy, items, hits))
        except RefusedError as refused:
            raise RefusedError(refused.reason, index) from None
    ordinals = []
    for index, (message, items) in enumerate(zip(messages, usable, strict=True)):
        state.order += 1
        try:
            ordinals.append(import_one(policy, state, message, items, now_us, hits))
        except RefusedError as refused:
            raise RefusedError(refused.reason, index) from None
    return tuple(ordinals)
