"""What the toolchain installs, and where. The SDK's pin in pyproject.toml and go.mod's name the same version."""

import os

PULUMI_VERSION = "3.259.0"

# A working CLI is these files in one folder: the engine looks for the other three beside the first.
CLI = "pulumi"
LANGUAGE_HOST = "pulumi-language-python"
PROGRAM_RUNNER = "pulumi-language-python-exec"
PROVIDER_STARTER = "pulumi-resource-pulumi-python"
KIT = (CLI, LANGUAGE_HOST, PROGRAM_RUNNER, PROVIDER_STARTER)
BIN = os.path.join(".toolchain", "bin")

LOCKS = {
    "apply": "tools/requirements/apply.txt",
    "sandbox": "tools/requirements/sandbox.txt",
    "development": "tools/requirements/development.txt",
}
"""The packages of each purpose, on top of those of the purposes before it."""
