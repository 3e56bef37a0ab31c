"""The bounds that the use cases keep. `main` fills them from the process settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of lanes and use cases; units last.

    Args:
        queue_calls_max: calls that may wait in one workspace's queue.
        batch_calls_max: calls decided together; one group is never split.
        gather_ms_max: longest wait for more callers before a batch is decided.
        commit_timeout_ms: one commit's time, after which its connection is cut and its outcome looked up.
        outcome_timeout_ms: how long an unknown outcome is looked up before OUTCOME_UNKNOWN is answered.
        import_timeout_ms: the same as `commit_timeout_ms` for an import.
        staleness_ms: how old a local answer's state may be.
        default_strong: what a call without a wish for consistency gets.
        head_poll_ms: how often the heads of busy workspaces are looked at.
        at_least_timeout_ms: longest wait for a revision that this replica has not reached.
        load_timeout_ms: one load of a state.
        loads_at_once: loads that run at the same time (F11).
        losses_before_lock: lost races after which the workspace's row is locked first (C3).
        stream_window: messages of one stream that may be on their way at once.
    """

    queue_calls_max: int = 10_000
    batch_calls_max: int = 1_000
    gather_ms_max: int = 5
    commit_timeout_ms: int = 5_000
    outcome_timeout_ms: int = 10_000
    import_timeout_ms: int = 120_000
    staleness_ms: int = 100
    default_strong: bool = True
    head_poll_ms: int = 50
    at_least_timeout_ms: int = 5_000
    load_timeout_ms: int = 600_000
    loads_at_once: int = 3
    losses_before_lock: int = 2
    stream_window: int = 16
