"""The command: every target for some time, steered by the code that is reached.

    uv run python -m tests.fuzz --seconds 600

It builds the targets on stable Rust with libFuzzer, which comes with a crate and is compiled by a C++ compiler. Inputs
that reached something new stay in `target/fuzz/corpus`, so that the next run goes on from there; one that failed is
told, and belongs into `tests/fuzz/corpus/TARGET` with the mend.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.fuzz import page_tokens

ROOT: Final = Path(__file__).parents[2]
WORK: Final = ROOT / "target" / "fuzz"
TARGETS: Final = ("decoding", "normalising", "policies", "tokens", "loading", "payloads", "import_lines")
PAGE_TOKENS: Final = "page_tokens"
# What counts the code that is reached. Comparisons are not traced: a checksum that is guessed that way is no accident.
COVERAGE: Final = (
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cdebug-assertions=on",
    "-Coverflow-checks=on",
)
# Whole-program optimisation would take minutes and gains nothing here.
PROFILE: Final = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16"}
LONGEST_BYTES: Final = 4096
# An input that takes longer hangs.
HANGS_S: Final = 20
MEMORY_MB: Final = 2048


def build() -> Path:
    """Build the targets; tell where the program is."""
    told = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    machine = told.partition("host: ")[2].splitlines()[0]
    command = ["cargo", "build", "--locked", "--release", "-p", "utterson-fuzz", "--features", "libfuzzer"]
    # With a machine named, what builds the others is not counted.
    command += ["--target", machine, "--target-dir", str(WORK)]
    environment = os.environ | PROFILE | {"RUSTFLAGS": " ".join(COVERAGE)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return WORK / machine / "release" / "utterson-fuzz"


def fuzz(program: Path, target: str, seconds: int, seed: int) -> bool:
    """Run one target; tell whether everything held."""
    corpus, kept = WORK / "corpus" / target, ROOT / "tests" / "fuzz" / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST_BYTES}", f"-timeout={HANGS_S}",
        f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={WORK}/{target}-", "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    folders = [str(corpus), *([str(kept)] if kept.is_dir() else [])]
    environment = os.environ | {"FUZZ_TARGET": target, "FUZZ_SEEDS": str(corpus)}
    before_s = _spent_s()
    ended = subprocess.run([program, *options, *folders], env=environment, capture_output=True, text=True, check=False)
    inputs = re.findall(r"stat::number_of_executed_units: *(\d+)", ended.stderr)
    spent_s, files = _spent_s() - before_s, len(list(corpus.iterdir()))
    print(f"{target}: {int(inputs[0]) if inputs else 0:,} inputs, {files:,} kept, {spent_s:.0f} s of a processor")
    if ended.returncode:
        print(ended.stderr[-4000:])
        for file in re.findall(r"Test unit written to (.*)", ended.stderr):
            print(f"run it again: FUZZ_FILE={file} cargo test -p utterson-fuzz {target}")
    return ended.returncode == 0


def _spent_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: list[str] | None = None) -> int:
    """Run the command; tells the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Any bytes through what takes bytes.")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--target", action="append", choices=[*TARGETS, PAGE_TOKENS], help="this one; may be repeated")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 2**31, help="of the first inputs")
    options = parser.parse_args(arguments)
    chosen = options.target or [*TARGETS, PAGE_TOKENS]
    print(f"seed {options.seed}", flush=True)
    all_held = True
    if PAGE_TOKENS in chosen:
        made = page_tokens.run(options.seconds, options.seed)
        print(f"{PAGE_TOKENS}: {made:,} tokens, {options.seconds} s of a processor", flush=True)
    targets = [target for target in chosen if target != PAGE_TOKENS]
    program = build() if targets else Path()
    for target in targets:
        all_held &= fuzz(program, target, options.seconds, options.seed)
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main())
