"""The variables that make a shell, the demo and the tests work in one checkout, and leave the rest alone.

Whatever somebody has set themselves stays. What an earlier `. ./activate` set, of this or another checkout,
is not theirs: a mark in the environment records its names, each with a digest of the value.
"""

import hashlib
import json
import os
import shlex
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from tools.toolchain.pins import BIN

QUIET = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    "PULUMI_SUPPRESS_NEO_LINK": "true",
}
# One object that PostHog refuses, or that somebody else has just changed, doesn't keep the others from being applied.
STEADY = {"PULUMI_CONTINUE_ON_ERROR": "true"}
# The state is written once, when a run ends, and not whole twice for each object. A killed run leaves the state as it
# was before; what it had made is found in PostHog and adopted by the next one.
BRISK = {"PULUMI_SKIP_CHECKPOINTS": "true"}
# The engine, the program and the providers are processes of this machine. Unlike the others gRPC, by which they talk,
# asks a proxy for the way to one, too.
DIRECT = {"no_grpc_proxy": "127.0.0.1"}
CONNECTION = {
    "POSTHOG_HOST": "url",
    "POSTHOG_PROJECT_ID": "project_id",
    "POSTHOG_ORGANIZATION_ID": "organization_id",
    "POSTHOG_API_KEY": "personal_api_key",
}
# What the salt in Pulumi.sandbox.yaml belongs to. It guards nothing: the sandbox's stack has no secrets.
SANDBOX_PASSPHRASE = "sandbox"
ROOT_NAME = "AI_ADMIN_ROOT"
MARK_NAME = "AI_ADMIN_ACTIVATED"
HEALTH_SECONDS = 0.5
NO_LOG = """\
This file keeps Pulumi from making a folder of its name. There it would log every property that it passes around,
which takes a quarter of a preview's time and a third of the engine's memory, and no setting switches that off.
Delete the file to have the log.
"""


def environment(root: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The whole environment for a process that is to work in the checkout `root`, started from `env`."""
    return theirs(env) | variables(root, env)


def variables(root: Path, env: Mapping[str, str]) -> dict[str, str]:
    """What to set for work in the checkout `root`, PATH included, on top of what somebody set in `env`.

    Makes the local backend's folder and Pulumi's home where they are wanted and missing.
    """
    given = theirs(env)
    wanted = QUIET | STEADY | BRISK | DIRECT
    if "PULUMI_BACKEND_URL" not in given:
        wanted |= local_backend(root, given)
    # Host, project and key belong together: half of ours and half of theirs would be a third place.
    if not given.keys() & CONNECTION.keys():
        wanted |= sandbox_connection(root / ".sandbox" / "connection.json")
    wanted = {name: value for name, value in wanted.items() if name not in given}
    wanted[MARK_NAME] = " ".join(f"{name}:{digest(value)}" for name, value in wanted.items())
    wanted[ROOT_NAME] = str(root)
    wanted["PATH"] = os.pathsep.join([*own_folders(str(root)), *filter(None, [given.get("PATH", "")])])
    return wanted


def theirs(env: Mapping[str, str]) -> dict[str, str]:
    """`env` without what an earlier activation put there and nobody has changed since."""
    marks = dict(mark.rpartition(":")[::2] for mark in env.get(MARK_NAME, "").split())
    kept = {name: value for name, value in env.items() if name not in marks or digest(value) != marks[name]}
    kept.pop(MARK_NAME, None)
    before = kept.pop(ROOT_NAME, None)
    if before is not None:
        places = kept.get("PATH", "").split(os.pathsep)
        kept["PATH"] = os.pathsep.join(place for place in places if place not in own_folders(before))
    return kept


def own_folders(root: str) -> list[str]:
    """The folders of a checkout that belong on PATH, first things first."""
    return [os.path.join(root, ".venv", "bin"), os.path.join(root, BIN)]


def digest(value: str) -> str:
    """Tells whether a value is still the one that was set, without repeating it."""
    return hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()[:16]


def local_backend(root: Path, given: Mapping[str, str]) -> dict[str, str]:
    """State and Pulumi's home, both in the checkout, and the passphrase of the sandbox's stack.

    With a backend of somebody's own choice none of them is set: the login is in their own home, and a shared
    state needs a passphrase that is a secret.
    """
    state, home = root / ".pulumi-state", root / ".pulumi-home"
    state.mkdir(exist_ok=True)
    lean_home(home)
    chosen = {
        # Without a file of attributes beside the state, which a killed run may leave half written: the next one
        # could not read the state. The state itself is replaced as a whole.
        "PULUMI_BACKEND_URL": f"file://{urllib.parse.quote(str(state))}?metadata=skip",
        "PULUMI_HOME": str(home),
        # Otherwise a machine without a keyring is searched for one on every command.
        "PULUMI_CREDENTIAL_STORE": "plaintext",
    }
    if "PULUMI_CONFIG_PASSPHRASE_FILE" not in given and "PULUMI_CONFIG_PASSPHRASE" not in given:
        chosen["PULUMI_CONFIG_PASSPHRASE"] = SANDBOX_PASSPHRASE
    return chosen


def lean_home(home: Path) -> None:
    """Makes the folder `home`, Pulumi's home, when it is missing; in a new one Pulumi keeps no automatic log.

    The CLI goes on without the log when it can't make the log's folder (`StartLogging` in its `logging/encrypted.go`).
    """
    if not home.exists():
        home.mkdir()
        (home / "logs").write_text(NO_LOG)


def sandbox_connection(path: Path) -> dict[str, str]:
    """Where this checkout's sandbox is and the key to it, when it runs; else nothing.

    Args:
        path: the JSON that the demo leaves, with the fields of the sandbox's ready line.
    """
    try:
        ready = json.loads(path.read_text())
        found = {name: str(ready[field]) for name, field in CONNECTION.items()}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return found if is_up(found["POSTHOG_HOST"]) else {}


def is_up(url: str) -> bool:
    """Whether a sandbox answers at `url`. Asked directly: a proxy has no business on loopback."""
    import http.client  # which takes a shell that is set up without a sandbox as long as all the rest

    try:
        address = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=HEALTH_SECONDS)
        connection.request("GET", "/_health")
        return connection.getresponse().status == 200
    except (OSError, ValueError, http.client.HTTPException):
        return False


def shell_lines(wanted: Mapping[str, str], env: Mapping[str, str]) -> list[str]:
    """Lines for sh that turn the environment `env` into one with `wanted` in it, every value quoted."""
    stale = env.keys() - theirs(env).keys() - wanted.keys()
    lines = [f"unset {name}" for name in sorted(stale)]
    return lines + [f"export {name}={shlex.quote(value)}" for name, value in wanted.items()]
