"""Scenarios: a YAML file of calls and what they must lead to, run against a server."""
