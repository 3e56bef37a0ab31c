"""Measurements: every figure comes from a script here that measures us and an alternative in one run."""
