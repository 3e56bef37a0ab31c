"""Workspaces and their policies."""
