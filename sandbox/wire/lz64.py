"""LZ-string in base64, which older posthog-js compress with. Only what reads it: no kept library does."""

from collections.abc import Iterator

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
EIGHT_BITS, SIXTEEN_BITS, END = 0, 1, 2  # codes that announce a new character of so many bits, or the end
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def decompress(text: str, most: int) -> str:
    """The text that was compressed.

    Raises: ValueError for what LZ-string didn't write, and for more than `most` characters.
    """
    bits = _bits(text.rstrip("="))
    code = _read(bits, 2)
    if code == END:
        return ""
    previous = _character(bits, code)
    # The dictionary starts with the three codes above, which are no words.
    words, found, width, room, length = ["", "", "", previous], [previous], 3, 4, 1
    while (code := _read(bits, width)) != END:
        if code in (EIGHT_BITS, SIXTEEN_BITS):
            words.append(_character(bits, code))
            code, room = len(words) - 1, room - 1
            if room == 0:
                room, width = 1 << width, width + 1
        if code > len(words):
            raise ValueError("a code without a word")
        word = words[code] if code < len(words) else previous + previous[0]
        words.append(previous + word[0])
        found.append(word)
        previous, room, length = word, room - 1, length + len(word)
        if room == 0:
            room, width = 1 << width, width + 1
        if length > most:
            raise ValueError(f"more than {most} characters")
    # The characters are JavaScript's: half a surrogate pair each, where a pair is meant.
    return "".join(found).encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _bits(text: str) -> Iterator[int]:
    for letter in text:
        if letter not in _VALUES:
            raise ValueError(f"{letter!r} is no letter of base64")
        yield from (_VALUES[letter] >> place & 1 for place in range(5, -1, -1))


def _read(bits: Iterator[int], width: int) -> int:
    """A number, its lowest bit first."""
    try:
        return sum(next(bits) << place for place in range(width))
    except RuntimeError as error:  # what a generator makes of StopIteration
        raise ValueError("it ends too early") from error


def _character(bits: Iterator[int], code: int) -> str:
    return chr(_read(bits, 8 if code == EIGHT_BITS else 16))
