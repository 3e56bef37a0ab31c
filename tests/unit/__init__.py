"""Tests of single parts, without a database."""
