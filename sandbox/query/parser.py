"""PostHog's own parser, asked so that no text holds up the server: one that may take long is read by a process of its
own, beside the requests (see `native` for why)."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from sandbox.query import native
from sandbox.query.patience import ANSWERS, SlowQuery

ORDINARY, ORDINARY_NESTING, ORDINARY_WORDS = 4, 8, 500
"""Brackets in each other, what nests without brackets, and all words and signs. A text with more of one of them is read
by a process of its own. (Of what nests, 20 can hold the parser for longer than a minute; our own queries have four.)"""

TOO_COMPLEX = native.refusal("Query is too complex to be parsed.")

_BESIDE = ThreadPoolExecutor(2)
# Texts, quoted names and comments, as PostHog's HogQLLexer has them.
_TEXTS = re.compile(
    r"""(?<![fF])'(?:[^'\\]|\\[bfrntav0'\\])*'|`[^`\\]*`|"[^"\\]*"|/\*.*?\*/|(?:--|//)[^\n\r]*""", re.DOTALL
)
# What is left of other ways to write them: an f-string, a tag, an escape that is rare, a text without an end.
_UNSURE = re.compile(r"""['"`\\]|/\*|<[\w/]""")
_WORDS = re.compile(r"\w+|[^\w\s]")
_NESTING = re.compile(r"\b(?:not|between|case|join|interval)\b|->|\?", re.IGNORECASE)


def parse(text: str, what: str) -> str:
    """The parser's answer, as JSON: a tree, or `error` and a `message`.

    Raises: ImportError. SlowQuery: the answer is not known yet, and who asks for it does so again.
    """
    if _is_ordinary(text):
        return native.parse(text, what)
    native.package()
    answers, asked = ANSWERS.get(), f"{what}: {text}"
    if answers is None:
        return _alone(text, what)
    if asked not in answers:
        raise SlowQuery(asked, _BESIDE.submit(_alone, text, what))
    answer: str = answers[asked].result()
    return answer


def _is_ordinary(text: str) -> bool:
    code = _TEXTS.sub(" ", text)
    depth = deepest = 0
    if _UNSURE.search(code):
        code = re.sub(r"[)\]}]", " ", text)  # as if none of them closed anything
    for char in code:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    nesting, words = (len(each.findall(code)) for each in (_NESTING, _WORDS))
    return deepest <= ORDINARY and nesting <= ORDINARY_NESTING and words <= ORDINARY_WORDS


def _alone(text: str, what: str) -> str:
    # Not -I: the package may be where only PYTHONPATH leads. -P: the modules of this folder hide none of Python's.
    command = [sys.executable, "-P", native.__file__, what]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode < 0:  # a signal: it takes too long, or has crashed
        return TOO_COMPLEX
    if done.returncode:
        raise RuntimeError(f"{native.__file__} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()
