"""The tests of workspaces, one file for each of their files."""
