"""The demo: a server, and both source documents played through it."""
