"""The real engine of tests/llama, for clients that talk to it through a whole serve."""

from tests.llama.conftest import engine, engine_command, tiny_model_file

__all__ = ["engine", "engine_command", "tiny_model_file"]
