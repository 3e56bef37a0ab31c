"""The SQL statements, one a file in `sql/`."""

from enum import Enum
from functools import cached_property
from importlib import resources


class Statement(Enum):
    """Every statement that the store sends; the value is the file's name without `.sql`."""

    AUDIT_ENTRIES = "audit_entries"
    AUDIT_EVENTS = "audit_events"
    AUDIT_GAPS = "audit_gaps"
    AUDIT_IDENTIFIERS = "audit_identifiers"
    AUDIT_OWNERS = "audit_owners"
    AUDIT_PAYLOADS = "audit_payloads"
    AUDIT_POLICIES = "audit_policies"
    AUDIT_REDIRECTS = "audit_redirects"
    AUDIT_REQUESTS = "audit_requests"
    AUDIT_STRAYS = "audit_strays"
    CLOCK = "clock"
    COMMIT_BATCH = "commit_batch"
    CREATE_WORKSPACE = "create_workspace"
    DATABASE_LOOK = "database_look"
    DATABASE_RENEW = "database_renew"
    DURABILITY = "durability"
    ENTRY_ID = "entry_id"
    EVENTS_PAGE = "events_page"
    HEADS = "heads"
    HISTORY_PAGE = "history_page"
    IDENTIFIER_ROWS = "identifier_rows"
    LOAD_IDENTIFIERS = "load_identifiers"
    LOAD_PROFILES = "load_profiles"
    LOAD_REQUESTS = "load_requests"
    LOAD_TRAITS = "load_traits"
    LOCK_WORKSPACE = "lock_workspace"
    PARTITIONS_DROP = "partitions_drop"
    PARTITIONS_PREPARE = "partitions_prepare"
    PAYLOAD_DEFAULT_EXPIRE = "payload_default_expire"
    POLICIES_PAGE = "policies_page"
    PROFILE_ROWS = "profile_rows"
    PROVE_RECOVERED = "prove_recovered"
    PROVE_WORKSPACE = "prove_workspace"
    REKEY_BUILD = "rekey_build"
    REKEY_DISCARD = "rekey_discard"
    REKEY_INDEX_IS_VALID = "rekey_index_is_valid"
    REKEY_IS_DUE = "rekey_is_due"
    REKEY_PROGRESS = "rekey_progress"
    REKEY_SWAP = "rekey_swap"
    REQUESTS_EXPIRE = "requests_expire"
    REQUEST_ANSWERS = "request_answers"
    ROWS_EXPECTED = "rows_expected"
    SNAPSHOT_HEAD = "snapshot_head"
    TAIL = "tail"
    TRAIT_ROWS = "trait_rows"
    WORKSPACE = "workspace"
    WORKSPACE_KEYS = "workspace_keys"
    WORKSPACES_COUNT = "workspaces_count"
    WORKSPACES_PAGE = "workspaces_page"

    @cached_property
    def text(self) -> str:
        """The statement itself."""
        return resources.files(__package__).joinpath("sql", f"{self.value}.sql").read_text(encoding="utf-8")
