"""The generated TypeScript client and the example's service: compiled strictly, and run with posthog-node."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ai_admin.clients import generate
from examples.ai_service.load import Load, drive, typescript
from examples.ai_service.load import Sandbox as LoadedSandbox
from examples.ai_service.node import compiled
from tests.support.applied import apply_flags
from tests.support.checkouts import sample_checkout
from tests.support.sandbox import REPOSITORY, Sandbox, running_sandbox
from tests.unit.clients.kinds import every_kind

EXAMPLE = REPOSITORY / "examples" / "ai_service"
MODULES = Path(__file__).with_name("node_modules")
Ask = Callable[..., Any]
USUAL = {"version": "2.4.0", "health_status": "healthy", "total_usage": 1000}
BETA = {**USUAL, "channel": "beta"}
FALLBACKS = [False, "deepseek-chat-v3", 20_000, 4_096, None]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("service")
    for path in EXAMPLE.glob("*.ts"):
        shutil.copy(path, folder)
    return compiled(folder, MODULES)


@contextmanager
def running(service: Path, sandbox: Sandbox) -> Iterator[Ask]:
    """Run the service for a sandbox; what is asked of it is answered by the functions of service.mjs."""
    environ = {"HOST": sandbox.url, "PROJECT_API_KEY": sandbox.project_api_key, "API_KEY": sandbox.api_key}
    with subprocess.Popen(
        ["node", str(Path(__file__).with_name("service.mjs")), str(service)],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        inwards, outwards = process.stdin, process.stdout

        def ask(what: str, **about: Any) -> Any:
            inwards.write(json.dumps({"ask": what, **about}) + "\n")
            inwards.flush()
            return json.loads(outwards.readline())

        yield ask
        inwards.close()
        process.wait(timeout=60)


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_client_of_every_kind_of_flag_and_property_compiles(tmp_path: Path) -> None:
    (tmp_path / "ai_admin_client.ts").write_text(generate(every_kind(tmp_path))["ai_admin_client.ts"])
    compiled(tmp_path, MODULES)


def test_the_service_keeps_to_the_flags_while_posthog_is_there_and_while_it_is_not(
    service: Path, tmp_path: Path
) -> None:
    (tmp_path / "checkout").mkdir()
    root = sample_checkout(tmp_path / "checkout")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        options = (tmp_path / "data", "--port", str(free.getsockname()[1]))
    with ExitStack() as server:
        sandbox = server.enter_context(running_sandbox(*options))
        ids = apply_flags(root, sandbox)
        with ExitStack() as services:
            ask = services.enter_context(running(service, sandbox))
            internal = {**USUAL, "channel": "internal"}
            assert ask("limits", id="inst-2001", person=internal)[:4] == [True, "deepseek-chat-r1", 5_000_000, 32_768]
            assert ask("limits", id="inst-1002", person=BETA)[:4] == [True, "deepseek-chat-v3", 1_000_000, 8_192]

            failing = {**BETA, "health_status": "error"}
            runs = ask("run", id="inst-1002", person=failing, prompt=500, times=30)
            assert 15_000 < sum(run["promptTokens"] + run["completionTokens"] for run in runs) <= 20_000
            assert {run.get("error") for run in runs} == {None, "budget_exceeded"}

            wrong = {"model": "gpt", "constructor": 1, "total_tokens": "9", "installation_id": "i", "success": True}
            said = ask("capture", id="i", properties=wrong).partition(": ")[2].split("; ")
            assert sorted(said) == [
                "completion_tokens is missing", "constructor is not known", "estimated_cost is missing",
                "model must be one of deepseek-chat-v3, deepseek-chat-r1", "prompt_tokens is missing",
                "total_tokens must be a finite number, not string",
            ]  # fmt: skip

            place = f"feature_flags/{ids['ai-max-daily-tokens']}/"
            filters = sandbox.call("GET", place)["filters"]
            more = {**filters, "payloads": {**filters["payloads"], "extended": "7000000000"}}
            sandbox.call("PATCH", place, {"filters": more})
            until(lambda: bool(ask("limits", id="inst-1002", person=BETA)[2] == 5_000_000))

            server.close()
            late = services.enter_context(running(service, sandbox))
            assert late("limits", id="inst-1002", person=BETA) == FALLBACKS
            assert len(list(filter(None, ask("run", id="inst-1002", person=BETA, prompt=100, times=5)))) == 5
            again = server.enter_context(running_sandbox(*options))
            until(lambda: bool(late("limits", id="inst-1002", person=BETA)[0]))
            until(lambda: len(again.call("GET", "events/?event=ai_enhancement_used")["results"]) == 35)
            sent = again.call("GET", "events/?event=ai_enhancement_used")["results"]
            assert {each["properties"]["$feature/ai-max-daily-tokens"] for each in sent} == {"extended", "reduced"}


def test_a_load_loses_no_event_and_breaks_no_cap(tmp_path: Path) -> None:
    """A small part of `python -m examples.ai_service.load --typescript tests/editor/node_modules`."""
    (tmp_path / "checkout").mkdir()
    with running_sandbox(tmp_path / "data") as sandbox:
        apply_flags(sample_checkout(tmp_path / "checkout"), sandbox)
        place = LoadedSandbox(sandbox.url, str(sandbox.project_id), sandbox.api_key)
        found = drive(place, Load(installations=12, rate=300, seconds=2, seed=121), partial(typescript, MODULES))
        persons = sandbox.call("GET", "persons/?limit=100")["results"]
    assert found.is_good, found
    assert found.errors["budget_exceeded"] > 10
    assert 100 < found.sent < found.requests == 600
    assert any(str(each["properties"].get("installation_id")).startswith("load-121-") for each in persons)
