"""whycold follows every prompt-cache miss back to the edit that caused it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
