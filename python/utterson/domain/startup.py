"""Why the process cannot start, or cannot go on."""


class StartupError(Exception):
    """The process cannot start; the message is one sentence for the person who started it, without secrets."""


class BrokenError(StartupError):
    """The process has lost a part that it cannot do without; whoever watches over it starts it anew."""
