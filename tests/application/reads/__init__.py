"""The tests of the reads, one file for each of their files."""
