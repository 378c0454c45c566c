"""Gets llama.cpp's server from Debian into a folder of our own, as any user; installs nothing.

Usage: python -m tests.llama.engine.fetch [FOLDER]     prints the command that runs it

Takes some 5 s, downloads some 20 MB and leaves 60 MB. It asks the Debian mirror that this
machine's own apt uses, for all that ``llama.cpp-tools`` needs down to the C library, so the
machine's Debian may be of any age. apt checks the signatures with the keyring that Debian
installs.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

__all__ = ["CACHE", "NoEngine", "llama_server"]

CACHE = Path(__file__).parents[3] / ".cache" / "llama"

_PACKAGE = "llama.cpp-tools"
_SUITES = ("testing", "sid")  # in no stable release yet (packages.debian.org, 2026-11)
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PROGRAM = Path("usr/bin/llama-server")
_LIBRARIES = Path("usr/lib/x86_64-linux-gnu")
_LOADER = _LIBRARIES / "ld-linux-x86-64.so.2"
_SECONDS = 300

_SOURCE = "deb [arch=amd64 signed-by={keyring}] {mirror} {suite} main\n"
# Read after the machine's own settings: they may name a proxy, which is needed, and commands to run
# afterwards, which are not. The status file is empty, so that no library is taken as installed.
_CONFIG = """\
#clear APT::Update;
#clear DPkg;
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "{folder}/state";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""


class NoEngine(Exception):
    """This machine cannot have the server; the message says why in one line."""


def llama_server(cache: Path = CACHE) -> list[str]:
    """The command that runs llama-server, to which its options are appended.

    Fetched into ``cache`` by the first call, found there by every other. Several may call at once:
    each unpacks in a folder of its own, and the first to finish gives its folder the final name.
    Raises ``NoEngine``.
    """
    home = cache.absolute() / "engine"
    if not (home / _PROGRAM).exists():
        _require_debian_tools()
        try:
            _fetch(home)
        except OSError as error:
            raise NoEngine(f"cannot keep llama-server in {cache}: {error}") from error
    return _command(home)


def _fetch(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    (home.parent / ".gitignore").write_text("*\n")
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=home.parent) as folder:
        root = _from_first_suite(Path(folder))
        _run([*_command(root), "--version"], "the llama-server that was fetched does not start")
        try:
            os.rename(root, home)
        except OSError:
            # Another run was first, and its folder serves as well.
            if not (home / _PROGRAM).exists():
                raise


def _command(root: Path) -> list[str]:
    # The C library among the packages may be newer than the machine's, and needs its own loader.
    libraries = f"{root / _LIBRARIES}:{root / _LIBRARIES / 'llama'}"
    return [str(root / _LOADER), "--library-path", libraries, str(root / _PROGRAM)]


def _require_debian_tools() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NoEngine(f"llama-server is fetched on Linux on amd64 only, not {platform.platform()}")
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NoEngine(f"llama-server is fetched with {tool}, which is not there")
    if not _KEYRING.exists():
        raise NoEngine(f"llama-server comes from Debian, and {_KEYRING} is not there to check it")


def _from_first_suite(folder: Path) -> Path:
    """The unpacked packages, from the first suite that has them all."""
    reason = NoEngine("this machine's apt has no Debian mirror to fetch llama-server from")
    for attempt, (mirror, suite) in enumerate(product(_mirrors(), _SUITES)):
        work = folder / str(attempt)
        try:
            return _unpacked(_downloaded(work, mirror, suite), work / "engine")
        except NoEngine as error:
            reason = error
    raise reason


def _mirrors() -> Iterable[str]:
    """The servers that this machine's own apt gets a suite of Debian's from."""
    asked = _run(["apt-get", "update", "--print-uris"], "apt cannot name its sources")
    suites = "sid|unstable|testing|stable|oldstable|" + _codename()
    found = re.findall(rf"^'(\S+)/dists/(?:{suites})/InRelease'", asked, re.MULTILINE)
    return dict.fromkeys(found)


def _codename() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "sid")
    except OSError:
        return "sid"


def _downloaded(folder: Path, mirror: str, suite: str) -> list[Path]:
    (folder / "state/lists/partial").mkdir(parents=True)
    (folder / "state/status").touch()
    (folder / "cache/archives/partial").mkdir(parents=True)
    source = _SOURCE.format(keyring=_KEYRING, mirror=mirror, suite=suite)
    (folder / "sources.list").write_text(source)
    config = folder / "apt.conf"
    config.write_text(_CONFIG.format(folder=folder))
    apt = ["env", "LC_ALL=C", "apt-get", "-qq", f"--config-file={config}"]
    _run([*apt, "update"], f"cannot read Debian's {suite}")
    _run(
        [*apt, "install", "--download-only", "--yes", "--no-install-recommends", _PACKAGE],
        f"cannot download {_PACKAGE} from Debian's {suite}",
    )
    return sorted((folder / "cache/archives").glob("*.deb"))


def _unpacked(packages: Sequence[Path], root: Path) -> Path:
    for package in packages:
        _run(["dpkg-deb", "-x", str(package), str(root)], f"cannot unpack {package.name}")
    for unused in ("etc", "usr/share", "usr/lib/x86_64-linux-gnu/gconv", "var"):
        shutil.rmtree(root / unused, ignore_errors=True)
    # ggml looks for its back-ends beside the program that runs, and that is the loader.
    libraries = root / _LIBRARIES
    for backend in (libraries / "ggml").glob("*/*.so"):
        (libraries / backend.name).symlink_to(backend.relative_to(libraries))
    return root


def _run(command: Sequence[str], complaint: str) -> str:
    """What the command prints.

    Raises ``NoEngine`` with the complaint and the first line of the command's own.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise NoEngine(f"{complaint}: no end after {_SECONDS} s") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise NoEngine(f"{complaint}: {lines[0]}")
    return done.stdout


def main(arguments: Sequence[str]) -> int:
    """Fetch the server and print its command; 1 and a line on standard error if that cannot be."""
    if len(arguments) > 1:
        print("usage: python -m tests.llama.engine.fetch [FOLDER]", file=sys.stderr)
        return 2
    try:
        print(*llama_server(*map(Path, arguments)))
    except NoEngine as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
