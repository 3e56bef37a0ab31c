"""Generated messages that are never served."""
