"""What is published of a failure names no place of the machine, and is short."""

from benchmarks.harness.telling import FAILURE_CHARACTERS_MAX, without_places


def test_a_trace_loses_its_paths_and_its_length() -> None:
    trace = "RuntimeError: ghz failed: main.run() / " + "\n".join(
        f"\t/srv/somebody/go/src/main.go:{n} +0x1" for n in range(50)
    )
    told = without_places(trace)
    assert told.startswith("RuntimeError: ghz failed: main.run() /")
    assert "somebody" not in told
    assert len(told) <= FAILURE_CHARACTERS_MAX


def test_a_sentence_stays_as_it_is() -> None:
    sentence = "InterruptedError: the run was told to stop; 9 of 12 calls/s, and/or more"
    assert without_places(sentence) == sentence
