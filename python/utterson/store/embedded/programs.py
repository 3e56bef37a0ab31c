"""How the programs of Postgres are run: as the right account, in an environment that holds nothing of the caller's.

Variables such as PGPORT or LC_ALL change what Postgres does, so none is passed on.
"""

import os
import subprocess
from pathlib import Path

from utterson.store.embedded.account import Account

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def run_program(program: Path, *arguments: str, account: Account | None) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end and tell what it said.

    Args:
        program: the file to run.
        arguments: passed as they are.
        account: who runs it; None is the caller.
    """
    return subprocess.run(  # noqa: S603 - the programs are ours, the arguments are paths
        [program, *arguments],
        # Ctrl-C is for us: a killed initdb would look like a broken one.
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        user=account.user_id if account else None,
        group=account.group_id if account else None,
        extra_groups=[] if account else None,
    )
