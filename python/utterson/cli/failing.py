"""How a command ends that cannot do its work."""


class CommandError(Exception):
    """The command cannot do its work; the message is one sentence for the person who gave it."""
