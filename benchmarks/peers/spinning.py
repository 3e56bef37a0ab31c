"""Runs a server in a process in which a thread of pure Python never rests, as a library's or an application's might.

Run as `python -m benchmarks.peers.spinning PROGRAM ARGUMENTS…`; the program is a file of Python, such as the script
`utterson` of an environment. The thread takes the interpreter's lock whenever it may, so whoever needs it waits for a
switch of threads each time.
"""

import runpy
import sys
import threading


def spin() -> None:
    """Count for ever."""
    number = 0
    while True:
        number += 1


def main() -> None:
    """Start the thread, then the program."""
    threading.Thread(target=spin, name="spinning", daemon=True).start()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
