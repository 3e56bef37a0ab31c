"""What a drive came to: the form that every client reports, and what the harness adds."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

# Upper edges of the histogram: steps of about a tenth, from 10 µs to 100 s.
_STEPS_A_DECADE = 24
_FIRST_MS = 0.01
_EDGES_MS = [_FIRST_MS * 10 ** (step / _STEPS_A_DECADE) for step in range(7 * _STEPS_A_DECADE + 1)]


@dataclass(frozen=True)
class CpuSplit:
    """CPU-µs a call, by who spent them, and what part of the machine was spent by processes that are not ours."""

    server_us: float = 0.0
    postgres_us: float = 0.0
    client_us: float = 0.0
    others_share: float = 0.0

    @property
    def service_us(self) -> float:
        """What a call costs its operator: server and Postgres."""
        return self.server_us + self.postgres_us


@dataclass(frozen=True)
class Reading:
    """One drive. Latencies are of a message, from send to whole answer; `used` counts warm-up calls too.

    `client_cpu_seconds` belong to the measured calls, `rows_a_second` only to drives whose rows are counted.
    `sync_write_us` is how fast the disk acknowledged 8 kB just before, `wal_bytes_a_call` what Postgres logged.
    """

    calls: int
    messages: int
    seconds: float
    calls_a_second: float
    latency_ms: dict[str, float]
    histogram: list[tuple[float, int]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    used: int = 0
    ran_dry: bool = False
    client_cpu_seconds: float = 0.0
    rows_a_second: float = 0.0
    sync_write_us: float = 0.0
    wal_bytes_a_call: float = 0.0
    cpu: CpuSplit = CpuSplit()

    @classmethod
    def of_report(cls, report: dict[str, object]) -> "Reading":
        """Take what a client printed; fields that we do not know are left aside."""
        known = {name: value for name, value in report.items() if name in cls.__dataclass_fields__ and name != "cpu"}
        return cls(**known)  # type: ignore[arg-type]  # the clients' contract, checked by the first access

    def report(self) -> dict[str, object]:
        """Tell it as a client prints it."""
        return asdict(self)

    def seen(self, cpu: CpuSplit, sync_write_us: float, wal_bytes: int) -> "Reading":
        """Add what the harness saw."""
        wal_bytes_a_call = wal_bytes / max(1, self.used)
        return replace(self, cpu=cpu, sync_write_us=sync_write_us, wal_bytes_a_call=wal_bytes_a_call)


def measured(latencies_s: Sequence[float], seconds: float, calls_in_message: int, used: int, cpu_s: float) -> Reading:
    """Make a reading of the latencies of single messages; `cpu_s` is of all calls used."""
    ordered = sorted(latency * 1000 for latency in latencies_s)
    calls = len(ordered) * calls_in_message
    return Reading(
        calls=calls,
        messages=len(ordered),
        seconds=seconds,
        calls_a_second=calls / seconds if seconds else 0.0,
        latency_ms=percentiles(ordered),
        histogram=histogram(ordered),
        used=used,
        client_cpu_seconds=cpu_s * calls / used if used else 0.0,
    )


def percentiles(ordered_ms: Sequence[float]) -> dict[str, float]:
    """Tell the usual percentiles of ordered latencies: the smallest value that so many are not above."""
    if not ordered_ms:
        return {}
    count = len(ordered_ms)
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
    told = {name: ordered_ms[max(0, math.ceil(share * count) - 1)] for name, share in shares.items()}
    return told | {"max": ordered_ms[-1], "mean": sum(ordered_ms) / count}


def histogram(ordered_ms: Sequence[float]) -> list[tuple[float, int]]:
    """Count latencies in steps that grow by about a tenth; empty steps are left out."""
    counts: list[tuple[float, int]] = []
    place = 0
    for edge in [*_EDGES_MS, math.inf]:
        begin = place
        while place < len(ordered_ms) and ordered_ms[place] <= edge:
            place += 1
        if place > begin:
            counts.append((edge, place - begin))
    return counts
