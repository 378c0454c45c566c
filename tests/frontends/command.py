"""The command, run in this process on real files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from whycold.frontends.cli import main


@dataclass(frozen=True)
class Ran:
    """What a run of the command left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def mistake(self) -> str:
        """The one line that a mistake is told in, checked to be one."""
        assert self.code == 2, self
        assert self.out == ""
        assert self.err.startswith("whycold: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("whycold: ").removesuffix("\n")


def whycold(*arguments: object, stdin: bytes = b"", **environment: str) -> Ran:
    """Run ``whycold`` with arguments; output is no terminal."""
    with CliRunner().isolation(input=stdin, env=environment) as (out, err, _):
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        return Ran(code, out.getvalue().decode(), err.getvalue().decode())


def write(folder: Path, name: str, content: Any) -> Path:
    """A file of bytes as they are, or of anything else as JSON."""
    path = folder / name
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    return path


def diff(folder: Path, before: Any, after: Any, *options: str, **environment: str) -> Ran:
    """``whycold diff`` of two contents."""
    files = write(folder, "before.json", before), write(folder, "after.json", after)
    return whycold("diff", *files, *options, stdin=b"", **environment)
