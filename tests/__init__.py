"""The tests."""

# What the command line sets before gRPC is imported, holds for tests that start programs too.
import utterson.cli  # noqa: F401
