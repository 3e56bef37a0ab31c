"""Deterministic simulation: the real core, lanes and committer on a virtual clock and a scripted database."""
