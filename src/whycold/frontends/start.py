"""Where the command ``whycold`` begins."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command with this process's arguments. A status line is asked for again and again:
    its answer is given before anything else is imported.
    """
    if sys.argv[1:2] == ["statusline"]:
        from whycold.frontends.statusline import quick

        if quick(sys.argv[2:]):
            return
    from whycold.frontends.cli import main

    main()
