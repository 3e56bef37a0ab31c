"""The kinds of calls that change or ask for a profile."""

from enum import IntEnum


class CallKind(IntEnum):
    """The kind of a call; 1 to 6 are the numbers of `utterson.v1.CallKind`, SEARCH is never recorded."""

    IDENTIFY = 1
    LOGIN = 2
    LOGOUT = 3
    TRACK = 4
    MODIFY = 5
    IMPORT = 6
    SEARCH = 7
