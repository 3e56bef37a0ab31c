"""The harness: starts both sides on one Postgres, drives them in turn, judges the ratios."""
