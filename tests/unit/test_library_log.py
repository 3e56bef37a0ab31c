"""What gRPC's library tells the log holds nothing that callers sent, and is told once a second."""

import io
import logging

from tests.unit.conftest import messages

CANARY = "canary-7f3a"
library = logging.getLogger("grpc._cython.cygrpc")


def test_what_callers_sent_is_not_quoted(log: io.StringIO) -> None:
    library.error("Invalid encoding on %s", CANARY.encode())
    library.error(f"Unexpected [{CANARY}] raised")
    library.error(f"No such method '/{CANARY}/Call'")
    library.warning(f"a header: {CANARY}")
    assert messages(log) == ["Invalid encoding on …", "Unexpected …", "No such method …", "a header …"]


def test_a_sentence_is_told_once_a_second_and_resets_are_not(log: io.StringIO) -> None:
    for number in range(1_000):
        library.error("Invalid encoding on %s", b"%d" % number)
        library.exception("%s raised in core by servicer method [%s]", "ExecuteBatchError", "/utterson.v1/Call")
    assert messages(log) == ["Invalid encoding on …"]


def test_our_own_lines_stay_as_they_are(log: io.StringIO) -> None:
    for number in range(2):
        logging.getLogger("utterson.grpc").error("workspace 'soho': [%d]", number)
    assert messages(log) == ["workspace 'soho': [0]", "workspace 'soho': [1]"]
