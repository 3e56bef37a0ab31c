"""The extension's front, for the composition root: whoever listens knows it by its protocol."""

from utterson._core import Front

__all__ = ["Front"]
