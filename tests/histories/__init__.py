"""Recorded histories: real servers, real faults, and every answer held against the reference model."""
