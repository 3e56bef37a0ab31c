"""What a disagreement is."""


class MismatchError(AssertionError):
    """Model and product disagree; the sentence tells where, as «model | product»."""


def require(is_so: bool, sentence: str) -> None:
    """Stop the run where something does not hold."""
    if not is_so:
        raise MismatchError(sentence)
