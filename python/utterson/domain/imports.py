"""What a caller may tell of an import that it makes in several calls."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImportPart:
    """Which import a call is a part of.

    Args:
        import_id: the same in all its calls; empty where the caller does not say.
        profiles_expected: about how many profiles they hold together; 0 where nobody knows.
    """

    import_id: str = ""
    profiles_expected: int = 0


# A call of which the caller says nothing more.
WHOLE_IMPORT = ImportPart()
