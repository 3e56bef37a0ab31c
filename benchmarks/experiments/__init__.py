"""Experiments that decisions rest on: not run by `make bench`, each one command with arguments."""
