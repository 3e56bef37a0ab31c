"""The tests of the calls, one file for each of their files."""
