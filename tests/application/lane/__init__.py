"""The tests of the lane, one file for each of its files."""
