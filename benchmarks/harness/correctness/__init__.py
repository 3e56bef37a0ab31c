"""Correctness while the benchmark runs: answers beside the reference model's, partitions beside the naive peer's."""


class WrongAnswerError(Exception):
    """What was measured is not what the rules say; the text names the first difference."""
