"""Try what `make dist` made: `python -m tests.packaging FOLDER [PYTHON…]`, with interpreters by name or path.

For each interpreter, fresh environments: one with the server's wheel, which serves with a Postgres of its own; one with
the client's wheel alone, which calls it. What the wheels ask for comes from the package index.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALLING = Path(__file__).with_name("calling.py")
# Postgres must reach its data folder, and does not run as root.
READABLE = 0o755


def main(folder: Path, interpreters: list[str]) -> None:
    """Try the wheels of a folder on each interpreter; the first failure ends it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    (client,) = folder.glob(f"utterson_client-{version}-*.whl")
    (server,) = folder.glob(f"utterson-{version}-*.whl")
    for interpreter in interpreters:
        with tempfile.TemporaryDirectory() as scratch:
            Path(scratch).chmod(READABLE)
            whole = _environment(interpreter, Path(scratch) / "whole", server)
            alone = _environment(interpreter, Path(scratch) / "alone", client)
            told = _run(str(whole.with_name("utterson")), "--version").strip()
            assert version in told, told
            with _serving(whole, Path(scratch) / "data") as address:
                answers = json.loads(_run(str(alone), "-I", str(CALLING), address))
            assert answers["outcome"] == "OUTCOME_CREATED"
            print(f"{_run(str(whole), '--version').strip()}: {server.name}, {client.name} work: {told}")


def _environment(interpreter: str, folder: Path, *wheels: Path) -> Path:
    """Make a virtual environment with these wheels; return its interpreter."""
    _run(interpreter, "-m", "venv", str(folder))
    python = folder / "bin" / "python"
    _run(str(python), "-m", "pip", "install", "--quiet", *map(str, wheels))
    _run(str(python), "-m", "pip", "check")
    return python


@contextmanager
def _serving(python: Path, data_dir: Path) -> Iterator[str]:
    """Serve with the installed command; give the address, and stop it at the end."""
    command = [str(python.with_name("utterson")), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield f"127.0.0.1:{_port(process)}"
        finally:
            process.terminate()
            process.communicate()


def _port(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        found = re.search(r"listening at .*port (\d+)", line)
        if found:
            return found[1]
    raise RuntimeError(f"the server did not start: {''.join(lines)}")


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or [sys.executable])
