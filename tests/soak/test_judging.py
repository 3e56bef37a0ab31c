"""The judge of a soak: it passes what is flat and noisy, and fails what grows."""

import random
from dataclasses import replace
from typing import Any

import pytest

from tests.soak.judging import BOUNDS, failed_share, judge
from tests.soak.samples import MB, Sample

STEP_S = 5.0
MOMENTS = 720
FLAT = Sample(
    at_s=0,
    memory_bytes=200 * MB,
    descriptors=80,
    connections=40,
    threads=12,
    database_memory_bytes=150 * MB,
    database_processes=20,
    database_connections=8,
    identifiers=100_000,
    requests=50_000,
    traits=1_000,
    calls_per_second=2_000,
    p50_ms=3,
    p99_ms=15,
    cancelled=500,
    failed=0,
)


def run(**at_the_end: Any) -> list[Sample]:
    """An hour with noise, at whose end some series have come to other values, step by step."""
    chance = random.Random(1)
    samples = []
    for number in range(MOMENTS):
        share = number / (MOMENTS - 1)
        grown: dict[str, Any] = {
            name: type(getattr(FLAT, name))(getattr(FLAT, name) + (end - getattr(FLAT, name)) * share)
            for name, end in at_the_end.items()
        }
        sample = replace(FLAT, at_s=number * STEP_S, **grown)
        noise: dict[str, Any] = {
            "memory_bytes": sample.memory_bytes + chance.randrange(-3 * MB, 3 * MB),
            "connections": sample.connections + chance.randrange(-3, 4),
            "descriptors": sample.descriptors + chance.randrange(-3, 4),
            # Now and then one moment sticks out.
            "p99_ms": sample.p99_ms * (20 if chance.random() < 0.1 else chance.uniform(0.8, 1.2)),
        }
        samples.append(replace(sample, **noise))
    return samples


def not_flat(samples: list[Sample]) -> list[str]:
    return [judged.bound.name for judged in judge(samples) if not judged.is_flat]


def test_what_is_flat_passes() -> None:
    assert not_flat(run()) == []


def test_what_rose_in_the_first_half_only_passes() -> None:
    warming = [replace(one, memory_bytes=one.memory_bytes - 100 * MB) for one in run()[:200]]
    assert not_flat(warming + run()[200:]) == []


@pytest.mark.parametrize(
    ("series", "end", "name"),
    [
        ("memory_bytes", 260 * MB, "memory beyond what is stored"),
        ("descriptors", 120, "descriptors"),
        ("connections", 60, "connections"),
        ("threads", 16, "threads"),
        ("database_memory_bytes", 230 * MB, "memory of the database"),
        ("database_processes", 30, "processes of the database"),
        ("database_connections", 12, "connections to the database"),
        ("p50_ms", 12.0, "median of a call"),
        ("p99_ms", 60.0, "99th percentile of a call"),
    ],
)
def test_what_grows_fails(series: str, end: float, name: str) -> None:
    assert not_flat(run(**{series: end})) == [name]


def test_every_bound_has_a_test_that_it_fails() -> None:
    (parameters,) = [mark for mark in test_what_grows_fails.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert {name for _, _, name in parameters.args[1]} == {bound.name for bound in BOUNDS}


def test_memory_of_what_was_stored_meanwhile_is_no_growth() -> None:
    more = 1_000_000
    stored = run(identifiers=FLAT.identifiers + more, memory_bytes=FLAT.memory_bytes + 40 * more)
    assert not_flat(stored) == []


def test_a_short_run_is_not_judged() -> None:
    with pytest.raises(ValueError, match="too few to judge"):
        judge(run()[:10])


def test_failures_are_a_share_of_all_calls() -> None:
    samples = [replace(one, failed=1) for one in run()[:101]]
    assert failed_share(samples) == pytest.approx(100 / (100 * STEP_S * FLAT.calls_per_second))
