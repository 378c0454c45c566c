"""``python -m whycold`` is the command ``whycold``."""

from whycold.frontends.cli import main

if __name__ == "__main__":
    main()
