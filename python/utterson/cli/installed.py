"""Whether what is installed belongs together: `utterson-client` holds the same files as `utterson`."""

from importlib.metadata import PackageNotFoundError, version

from utterson.domain.startup import StartupError


def require_one_version() -> None:
    """Refuse to run where the client's distribution, of another version, was installed over this one's files.

    Raises:
        StartupError: it was; the sentence says how to put it right.
    """
    try:
        client, server = version("utterson-client"), version("utterson")
    except PackageNotFoundError:
        return  # the usual case: only one of the two is installed
    if client != server:
        raise StartupError(
            f"utterson {server} and utterson-client {client} are installed here and hold the same files: "
            "uninstall utterson-client, then reinstall utterson"
        )
