"""The presets that docs/rules.md names for each family, in protobuf JSON form."""

from __future__ import annotations

from tests.model.records import JsonValue

ISOLATION_PRIORITY = (
    "customer_id",
    "email",
    "idfv",
    "roku_id",
    "android_id",
    "gaid",
    "idfa",
    "fire_aid",
    "amp_id",
    "device_application_stamp",
)

# What all presets block, for every type.
BLOCKED_LISTS = ("PLACEHOLDERS", "ZEROS")

# preset: (unique and login types, on_new_known_user, on_logout)
ISOLATION_PRESETS = {
    "profile_isolation": (("customer_id", "email"), "CREATE_PROFILE", "RETURN_TO_ANONYMOUS"),
    "profile_link": (("customer_id", "email"), "CREATE_LINKED_PROFILE", "CREATE_ANONYMOUS"),
    "profile_conversion": (("customer_id", "email"), "CONVERT_ANONYMOUS", "CREATE_ANONYMOUS"),
    "default": (("customer_id",), "CONVERT_ANONYMOUS", "CREATE_ANONYMOUS"),
    "best_match": ((), "CONVERT_ANONYMOUS", "IDENTIFY"),
}

# preset: (scope and on_exceeded of every type but user_id, max_identifiers)
MERGE_PRESETS = {
    "identity_graph_rules": ("WHEN_PRESENT", "DEMOTE_OFFENDING", 0),
    "unify": ("ALWAYS", "DEMOTE_LOWEST", 1000),
}


def preset_names() -> list[str]:
    """Name all presets."""
    return [*ISOLATION_PRESETS, *MERGE_PRESETS]


def preset(name: str) -> dict[str, JsonValue]:
    """Return a preset's policy in protobuf JSON form."""
    if name in ISOLATION_PRESETS:
        login_types, on_new_known_user, on_logout = ISOLATION_PRESETS[name]
        types: list[JsonValue] = []
        for type_name in ISOLATION_PRIORITY:
            is_login = type_name in login_types
            form = "EMAIL" if type_name == "email" else "NONE"
            types.append({"name": type_name, "unique": is_login, "login": is_login, "normalization": form})
        return {
            "identifier_types": types,
            "unlisted_types": "IGNORE",
            "blocked_lists": list(BLOCKED_LISTS),
            "isolation": {"on_new_known_user": on_new_known_user, "on_logout": on_logout},
        }
    scope, on_exceeded, max_identifiers = MERGE_PRESETS[name]
    other: JsonValue = {"max_values": 5, "window": "EVER", "scope": scope, "on_exceeded": on_exceeded}
    exclusive: JsonValue = {"max_values": 1, "window": "EVER", "scope": "ALWAYS", "on_exceeded": "DEMOTE_LOWEST"}
    return {
        "identifier_types": [
            {"name": "user_id", "limit": exclusive},
            {"name": "email", "normalization": "EMAIL", "limit": other},
        ],
        "default_type": {"limit": other},
        "unlisted_types": "ACCEPT",
        "blocked_lists": list(BLOCKED_LISTS),
        "merge": {"max_merges": 100, "max_identifiers": max_identifiers},
    }
