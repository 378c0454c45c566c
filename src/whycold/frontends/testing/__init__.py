"""What tests of programs use: calls recorded in memory, and a judgement of their prefix."""
