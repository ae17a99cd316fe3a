"""What holds for every test of the sandbox."""

from sandbox.tests.memory import files_in_memory

files_in_memory()
