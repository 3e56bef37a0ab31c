"""The process settings: typed, described once, read once; every default stands here and nowhere else.

One file a group: a part of the program takes the group that it needs, and `process.Settings` is all of them. Nothing
else in the project reads the environment.
"""
