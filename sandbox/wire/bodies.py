"""Bodies as PostHog's SDKs send them: JSON, compressed and wrapped in many ways. Each of PostHog's services unpacks
them in its own way, and so does this server.

Sources: payload/, utils.rs and v1/util.rs of PostHog's rust/capture, handler/decoding.rs of its rust/feature-flags.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

import zstandard

from sandbox.wire.context import Context

GZIP_MAGIC = b"\x1f\x8b"
LARGEST = 20 * 1024 * 1024  # bytes of an unpacked body
FORM = "application/x-www-form-urlencoded"
_IS_FORM = re.compile(rb"(?:|.{0,127}&)(?:data|_|ip|compression)=", re.DOTALL)
_IS_BASE64 = re.compile(rb"[A-Za-z0-9+/=]+")
_ONCE_MORE = ("/e", "/capture", "/engage", "/track")  # where what was unpacked may be base64 again
_COMPRESSIONS = {"gzip": "gzip", "gzip-js": "gzip", "base64": "base64", "b64": "base64"}


class UndecodableError(ValueError):
    """A body that holds no JSON, however it is unpacked. The text says why; `stage` is `decode` or `parse`."""

    def __init__(self, text: str, stage: str = "decode") -> None:
        super().__init__(text)
        self.stage = stage


class UnknownEncodingError(ValueError):
    """A `Content-Encoding` that isn't known. The text is its name."""


def from_capture(context: Context) -> Any:
    """The JSON value of a request to the old capture endpoints: `?data=` or the body, a form's `data` or all of it,
    gzip or not, in base64 or not.

    Raises: UndecodableError.
    """
    raw = context.query.get("data", "").encode() or context.raw
    if not _IS_FORM.match(raw[:128]) and _is_base64(raw):
        raw = _from_base64(raw) or raw
    form: dict[str, list[str]] = {}
    if context.request.headers.get("content-type") == FORM:
        if not _IS_FORM.match(raw[:128]):
            raise UndecodableError("expected form data in POST request payload")
        form = parse_qs(raw.decode("utf-8", "replace"))
    hints = (context.query.get("compression"), *form.get("compression", ()), _encoding(context))
    compression = next((_COMPRESSIONS[hint.lower()] for hint in hints if hint and hint.lower() in _COMPRESSIONS), "")
    if "data" in form:
        data = form["data"][0].encode()
        raw = data.replace(b" ", b"+") if _is_base64(data.replace(b" ", b"+")) else data  # a form turns + into a blank
    if compression == "gzip" or raw.startswith(GZIP_MAGIC):
        raw = _gunzip(raw)
    if context.request.url.path.startswith(_ONCE_MORE) and _is_base64(raw):
        raw = _from_base64(raw) or raw
    return _parse(raw, _refuse)


def from_capture_v1(context: Context) -> Any:
    """The JSON value of a request to `/i/v1/analytics/events`, packed as its `Content-Encoding` says.

    Raises: UndecodableError, UnknownEncodingError.
    """
    encoding = _encoding(context)
    if not encoding:
        return _parse(context.raw, _refuse)
    if encoding.lower() not in _UNPACK:
        raise UnknownEncodingError(encoding)
    return _parse(_UNPACK[encoding.lower()](context.raw), _refuse)


def from_flags(context: Context) -> Any:
    """The JSON value of a request to `/flags`: gzip by `?compression=`, header or first bytes, or base64, in a form or
    not; NaN and Infinity read as null.

    Raises: UndecodableError.
    """
    sent = context.request.headers.get("content-type", "application/json")
    compression = context.query.get("compression", "").lower()
    if compression not in ("", "gzip", "gzip-js", "base64"):
        raise UndecodableError("Unsupported compression type")
    media = sent.split(";")[0].strip()
    if media == FORM:
        if compression.startswith("gzip"):
            raise UndecodableError("Gzip compression not supported for form-urlencoded data")
        text = unquote_to_bytes(context.raw)
        wrapped = text.split(b"=")[1] if text.startswith(b"data=") else text
        return _parse(_lenient_base64(wrapped), _null, "invalid JSON structure")
    if media not in ("application/json", "text/plain"):
        raise UndecodableError(f"unsupported content type: {sent}")
    raw = context.raw
    if compression.startswith("gzip") or "gzip" in _encoding(context) or raw.startswith(GZIP_MAGIC):
        raw = _gunzip(raw)
    if raw.lstrip()[:1] not in (b"{", b"["):
        raw = _lenient_base64(raw, "invalid JSON")
    return _parse(raw, _null, "invalid JSON")


def _encoding(context: Context) -> str:
    return str(context.request.headers.get("content-encoding", ""))


def _parse(raw: bytes, constant: Callable[[str], None], complaint: str = "") -> Any:
    """The value of JSON text; `constant` says what NaN is."""
    try:
        value = json.loads(raw, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise UndecodableError(complaint or str(error), "parse") from error
    if b"\\u" in raw:
        # A lone surrogate can be written in JSON but not in UTF-8.
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


def _null(_: str) -> None:
    return None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


# Unpacking -------------------------------------------------------------------------------------------


def _gunzip(raw: bytes) -> bytes:
    return _inflate(raw, zlib.MAX_WBITS | 16, "invalid GZIP data")


def _deflate(raw: bytes) -> bytes:
    """RFC 9110 means zlib's format by `deflate`; some send it bare."""
    return _inflate(raw, zlib.MAX_WBITS if raw[:1] == b"\x78" else -zlib.MAX_WBITS, "deflate decompression failed")


def _inflate(raw: bytes, bits: int, complaint: str) -> bytes:
    unpacker = zlib.decompressobj(bits)
    try:
        found = unpacker.decompress(raw, LARGEST + 1)
    except zlib.error as error:
        raise UndecodableError(complaint) from error
    return _whole(found, unpacker.eof, complaint)


def _unzstd(raw: bytes) -> bytes:
    try:
        found = zstandard.ZstdDecompressor().stream_reader(BytesIO(raw)).read(LARGEST + 1)
    except zstandard.ZstdError as error:
        raise UndecodableError("zstd decompression failed") from error
    return _whole(found, True, "")


def _whole(found: bytes, ended: bool, complaint: str) -> bytes:
    if len(found) > LARGEST:
        raise UndecodableError(f"Decompressed payload would exceed {LARGEST} bytes")
    if not ended:
        raise UndecodableError(complaint)
    return found


_UNPACK = {"gzip": _gunzip, "deflate": _deflate, "zstd": _unzstd}


def _is_base64(raw: bytes) -> bool:
    return len(raw) % 4 == 0 and _IS_BASE64.fullmatch(raw[:128]) is not None


def _from_base64(raw: bytes) -> bytes | None:
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error:
        return None


def _lenient_base64(raw: bytes, complaint: str = "Base64 decoding error") -> bytes:
    """Of a text that may be percent-encoded, have blanks, and lack its padding."""
    text = unquote_to_bytes(raw.strip()).replace(b" ", b"").rstrip(b"=")
    found = _from_base64(text + b"=" * (-len(text) % 4))
    if found is None:
        raise UndecodableError(complaint)
    return found
