"""Bodies as PostHog's SDKs send them to capture and /flags: JSON, compressed and wrapped in many ways."""

import base64
import binascii
import json
import zlib
from typing import Any
from urllib.parse import parse_qs

from sandbox.web import Context

GZIP_MAGIC = b"\x1f\x8b"
LARGEST = 20 * 1024 * 1024  # bytes of a decompressed batch


class UndecodableError(ValueError):
    """A body that holds no JSON, however it is unpacked. The text says why."""


def decode(context: Context) -> Any:
    """The JSON value of a request.

    Accepted: plain, gzip or deflate (by `Content-Encoding`, `?compression=` or the body's first bytes),
    base64 of either, the form fields `data=` and `compression=`, and `?data=` of a GET. NaN and Infinity read
    as null, as in JSON5.

    Raises: UndecodableError.
    """
    raw, hint = context.raw, context.query.get("compression", "")
    if context.method == "GET":
        raw = context.query.get("data", "").encode()
    raw = _decompressed(raw, context.request.headers.get("content-encoding", ""))
    if "x-www-form-urlencoded" in context.request.headers.get("content-type", "") or raw.startswith(b"data="):
        fields = parse_qs(raw.decode("latin-1"))
        raw = fields.get("data", [""])[0].encode("latin-1")
        hint = fields.get("compression", [hint])[0]
    return parse(_decompressed(raw, hint))


def parse(raw: bytes) -> Any:
    """The value of JSON text, or of its base64.

    Raises: UndecodableError.
    """
    if raw.lstrip()[:1] not in (b"{", b"["):
        raw = _decompressed(_from_base64(raw), "")
    try:
        value = json.loads(raw, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise UndecodableError(f"invalid JSON: {error}") from error
    if b"\\u" in raw:
        # A lone surrogate can be written in JSON but not in UTF-8.
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


def _decompressed(raw: bytes, encoding: str) -> bytes:
    try:
        if raw.startswith(GZIP_MAGIC):
            raw = _limited(zlib.decompressobj(zlib.MAX_WBITS | 16), raw)
        elif encoding.lower() == "deflate":
            raw = _limited(zlib.decompressobj(), raw)
    except zlib.error as error:
        raise UndecodableError(f"invalid compressed data: {error}") from error
    return raw


def _limited(decompressor: Any, raw: bytes) -> bytes:
    found: bytes = decompressor.decompress(raw, LARGEST + 1)
    if len(found) > LARGEST or not decompressor.eof:
        raise UndecodableError("compressed data is too large or cut off")
    return found


def _from_base64(raw: bytes) -> bytes:
    text = raw.strip().replace(b" ", b"+")  # a form turns + into a blank
    try:
        text = text.replace(b"-", b"+").replace(b"_", b"/")
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UndecodableError("invalid JSON") from error
