"""What may be in ``stacks`` and ``only``, and in those of a flag's tests, beyond the schema."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.document import Document
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.spelling import listed, suggestion


def patch_findings(document: Document, stacks: tuple[str, ...]) -> Iterator[Finding]:
    """Yield what is wrong where a document names stacks, given the stacks that exist."""
    for name in document.patches:
        yield from _known(name, stacks, ("stacks", name), True)
        if document.only is not None and name not in document.only and name in stacks:
            message = f'"only" leaves stack {name} out, so this patch has no effect'
            yield Finding(("stacks", name), message, f"remove it, or add {name} to only", None, True, whole=True)
    only = document.value.get("only")
    for n, name in enumerate(only if isinstance(only, list) else ()):
        if isinstance(name, str):
            yield from _known(name, stacks, ("only", n), False)
    yield from _of_tests(document, stacks)


def _of_tests(document: Document, stacks: tuple[str, ...]) -> Iterator[Finding]:
    tests = document.value.get("tests")
    for n, test in enumerate(tests if isinstance(tests, list) else ()):
        named = test.get("stacks") if isinstance(test, dict) else None
        for m, name in enumerate(named if isinstance(named, list) else ()):
            path = ("tests", n, "stacks", m)
            if isinstance(name, str):
                yield from _known(name, stacks, path, False)
                if document.only is not None and name not in document.only and name in stacks:
                    message = f'"only" leaves stack {name} out, so nothing is tested there'
                    yield Finding(path, message, f"remove it, or add {name} to only", whole=True)


def _known(name: str, stacks: tuple[str, ...], path: Path, at_key: bool) -> Iterator[Finding]:
    if name not in stacks:
        message = f'there is no stack "{name}" (there is no Pulumi.{name}.yaml)'
        fix = suggestion(
            name, stacks, f"write {listed(stacks)}" if stacks else "make the stack first: pulumi stack init"
        )
        yield Finding(path, message, fix, None, at_key)
