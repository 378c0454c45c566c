"""``python -m whycold`` is the command ``whycold``."""

from whycold.frontends.start import main

if __name__ == "__main__":
    main()
