"""docs/errors.md, made from the proto: `python -m tests.docs.errors_page` writes it."""

from pathlib import Path
from typing import Final

from utterson.domain.errors import Reason
from utterson.server.descriptors import descriptor_set
from utterson.server.refusals import CODES

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
PREFIX: Final = "ERROR_REASON_"
HEAD: Final = """\
# Refusals: what they mean, and what to do

Every refusal carries an `ErrorInfo` with the domain `utterson.dev` and one of these reasons. Programs go by the reason,
which stays; the sentence beside it is for people and may be worded better one day. Neither ever holds the value of an
identifier. Where it helps, there is a `BadRequest` too (each wrong field), a `ResourceInfo` (what is not there),
a `PreconditionFailure` (what stands against it) or a `RetryInfo` (when to come back: always with `QUEUE_FULL`, nearly
always with the reasons of UNAVAILABLE, with no others). A refused call changes nothing, but for `OUTCOME_UNKNOWN`.

Made from `proto/utterson/v1/error_reason.proto` by `python -m tests.docs.errors_page`.
"""


def comments() -> dict[Reason, str]:
    """Read each reason's comment out of the descriptor set."""
    (file,) = (file for file in descriptor_set().file if file.name.endswith("/error_reason.proto"))
    (enum,) = file.enum_type
    # The path of a value's comment: field 5 (enums) of the file, field 2 (values) of the enum.
    told = {
        enum.value[location.path[3]].name: location.leading_comments.strip()
        for location in file.source_code_info.location
        if len(location.path) == 4 and (location.path[0], location.path[2]) == (5, 2)
    }
    return {reason: told[PREFIX + reason.name] for reason in Reason}


def cause_and_cure(comment: str) -> tuple[str, str]:
    """Split a comment: its first paragraph tells the status code and the cause, its second what to do."""
    cause, _, cure = (" ".join(part.split()) for part in comment.partition("\n\n"))
    return cause.partition(": ")[2], cure


def page() -> str:
    """Make the page."""
    lines = [HEAD]
    for code in dict.fromkeys(CODES.values()):
        lines += [f"## {code.name}", "", "| reason | cause | what to do |", "|---|---|---|"]
        for reason, comment in comments().items():
            if CODES[reason] is code:
                cause, cure = cause_and_cure(comment)
                lines.append(f"| `{reason.name}` | {cause[0].upper()}{cause[1:]} | {cure} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
