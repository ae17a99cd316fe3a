"""The one error that the toolchain raises on purpose."""


class ToolchainError(Exception):
    """Something a person has to put right. The text says what, in sentences; no traceback is shown."""
