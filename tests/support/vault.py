"""A key of HashiCorp Vault, as far as Pulumi asks for one: what the stacks of the tests have instead of a passphrase.

To make a key of a passphrase (a million rounds of PBKDF2) takes a third of what a run of few objects takes.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PROVIDER = "hashivault://tests"
"""What `pulumi stack init --secrets-provider` calls the key."""
_MARK = "vault:v1:"
"""How what Vault has encrypted begins. Here the rest is the text itself: the tests' stacks have nothing to hide."""
SETTINGS = {"secretsprovider": PROVIDER, "encryptedkey": b64encode(_MARK.encode() + b64encode(bytes(32))).decode()}
"""What a stack's file says of its secrets, in which Pulumi finds a key of its own, encrypted with Vault's."""


@cache
def variables() -> Mapping[str, str]:
    """Return the variables that lead Pulumi to the key; there is one server in a process, which ends with it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Transit)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    return {"VAULT_SERVER_URL": f"http://127.0.0.1:{server.server_port}"}


class _Transit(BaseHTTPRequestHandler):
    """Answers ``PUT /v1/transit/decrypt/NAME``."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"data": {"plaintext": asked["ciphertext"].removeprefix(_MARK)}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""
