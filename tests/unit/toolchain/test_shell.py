"""The variables of a checkout, and whose word counts where somebody else has set them."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools.toolchain.shell import CONNECTION, environment, shell_lines, variables

USER = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/_health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[HTTPServer]:
    """A sandbox that runs and is recorded in the checkout `tmp_path`."""
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        ready = {
            "url": f"http://127.0.0.1:{server.server_port}",
            "project_id": 1,
            "organization_id": "org-1",
            "personal_api_key": "phx_sandbox",
            "project_api_key": "phc_sandbox",
        }
        (tmp_path / ".sandbox").mkdir()
        (tmp_path / ".sandbox" / "connection.json").write_text(json.dumps(ready))
        yield server
        server.shutdown()
        thread.join()


def test_everything_of_ours_lies_in_the_checkout(tmp_path: Path) -> None:
    ours = environment(tmp_path, USER)
    assert ours["PATH"] == f"{tmp_path}/.venv/bin:{tmp_path}/.toolchain/bin:/usr/bin:/bin"
    assert ours["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/.pulumi-state?metadata=skip"
    assert (tmp_path / ".pulumi-state").is_dir()
    assert ours["PULUMI_HOME"] == f"{tmp_path}/.pulumi-home"
    assert ours["PULUMI_SKIP_UPDATE_CHECK"] == ours["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert ours["LANG"] == "C.UTF-8"


def test_a_failure_does_not_end_a_run_unless_somebody_wants_that(tmp_path: Path) -> None:
    assert environment(tmp_path, USER)["PULUMI_CONTINUE_ON_ERROR"] == "true"
    stopping = {**USER, "PULUMI_CONTINUE_ON_ERROR": "false"}
    assert environment(tmp_path, stopping)["PULUMI_CONTINUE_ON_ERROR"] == "false"


def test_the_state_is_written_once_a_run_unless_somebody_wants_more(tmp_path: Path) -> None:
    assert environment(tmp_path, USER)["PULUMI_SKIP_CHECKPOINTS"] == "true"
    often = {**USER, "PULUMI_SKIP_CHECKPOINTS": "false"}
    assert environment(tmp_path, often)["PULUMI_SKIP_CHECKPOINTS"] == "false"


def test_pulumi_keeps_no_log_in_a_home_that_is_new(tmp_path: Path) -> None:
    environment(tmp_path, USER)
    assert "Delete the file" in (tmp_path / ".pulumi-home" / "logs").read_text()


def test_a_log_that_was_wanted_stays_wanted(tmp_path: Path) -> None:
    environment(tmp_path, USER)
    (tmp_path / ".pulumi-home" / "logs").unlink()
    environment(tmp_path, USER)
    assert not (tmp_path / ".pulumi-home" / "logs").exists()


def test_a_folder_with_a_space_makes_a_url_without_one(tmp_path: Path) -> None:
    root = tmp_path / "my work"
    root.mkdir()
    assert variables(root, USER)["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/my%20work/.pulumi-state?metadata=skip"


def test_the_local_backend_opens_the_sandboxs_stack(tmp_path: Path) -> None:
    assert environment(tmp_path, USER)["PULUMI_CONFIG_PASSPHRASE"] == "sandbox"


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_the_users_passphrase_stays(tmp_path: Path, name: str) -> None:
    chosen = environment(tmp_path, USER | {name: ""})
    assert chosen[name] == ""
    assert chosen.get("PULUMI_CONFIG_PASSPHRASE", "") == ""


def test_a_backend_of_the_users_choice_is_used_with_their_login_and_no_local_secret(tmp_path: Path) -> None:
    chosen = environment(tmp_path, USER | {"PULUMI_BACKEND_URL": "s3://states"})
    assert chosen["PULUMI_BACKEND_URL"] == "s3://states"
    assert chosen.keys().isdisjoint({"PULUMI_HOME", "PULUMI_CREDENTIAL_STORE", "PULUMI_CONFIG_PASSPHRASE"})
    assert list(tmp_path.iterdir()) == []


def test_a_running_sandbox_is_what_the_shell_talks_to(tmp_path: Path, sandbox: HTTPServer) -> None:
    ours = environment(tmp_path, USER)
    assert {name: ours[name] for name in CONNECTION} == {
        "POSTHOG_HOST": f"http://127.0.0.1:{sandbox.server_port}",
        "POSTHOG_PROJECT_ID": "1",
        "POSTHOG_ORGANIZATION_ID": "org-1",
        "POSTHOG_API_KEY": "phx_sandbox",
    }


@pytest.mark.parametrize("name", CONNECTION)
def test_a_connection_that_the_user_began_is_not_completed_with_the_sandboxs(
    tmp_path: Path, sandbox: HTTPServer, name: str
) -> None:
    chosen = environment(tmp_path, USER | {name: "theirs"})
    assert {key: chosen[key] for key in CONNECTION if key in chosen} == {name: "theirs"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 7}', "not json", None])
def test_a_sandbox_that_left_no_usable_record_is_not_running(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / ".sandbox").mkdir()
        (tmp_path / ".sandbox" / "connection.json").write_text(text)
    assert variables(tmp_path, USER).keys().isdisjoint(CONNECTION)


def test_a_sandbox_that_has_stopped_is_not_running(tmp_path: Path) -> None:
    ready = dict.fromkeys(CONNECTION.values(), "x") | {"url": "http://127.0.0.1:1"}
    (tmp_path / ".sandbox").mkdir()
    (tmp_path / ".sandbox" / "connection.json").write_text(json.dumps(ready))
    assert variables(tmp_path, USER).keys().isdisjoint(CONNECTION)


def test_activating_again_changes_nothing(tmp_path: Path, sandbox: HTTPServer) -> None:
    once = environment(tmp_path, USER)
    assert environment(tmp_path, once) == once


def test_activating_another_checkout_leaves_nothing_of_the_first(tmp_path: Path, sandbox: HTTPServer) -> None:
    other = tmp_path / "other"
    other.mkdir()
    assert environment(other, environment(tmp_path, USER)) == environment(other, USER)


def test_what_the_user_changes_after_activating_is_theirs(tmp_path: Path, sandbox: HTTPServer) -> None:
    mine = {"PULUMI_BACKEND_URL": "s3://states", "POSTHOG_API_KEY": "phx_mine"}
    changed = environment(tmp_path, USER) | mine
    again = environment(tmp_path, changed)
    assert again["PULUMI_BACKEND_URL"] == "s3://states"
    assert again["POSTHOG_API_KEY"] == "phx_mine"
    assert "POSTHOG_HOST" not in again


def test_the_mark_repeats_no_secret(tmp_path: Path, sandbox: HTTPServer) -> None:
    ours = environment(tmp_path, USER)
    assert "phx_sandbox" not in ours["AI_ADMIN_ACTIVATED"]
    assert ours["PULUMI_CONFIG_PASSPHRASE"] not in ours["AI_ADMIN_ACTIVATED"]


def test_lines_for_a_shell_quote_values_and_unset_stale_names(tmp_path: Path, sandbox: HTTPServer) -> None:
    active = environment(tmp_path, USER)
    (tmp_path / ".sandbox" / "connection.json").unlink()
    lines = shell_lines(variables(tmp_path, active), active)
    unset = [line for line in lines if line.startswith("unset")]
    assert unset == [f"unset {name}" for name in sorted(CONNECTION)]
    assert shell_lines({"A": "$(rm -rf ~); 'x'"}, {}) == ["""export A='$(rm -rf ~); '"'"'x'"'"''"""]


def test_a_shell_that_is_set_up_waits_for_no_import_that_only_an_installation_needs() -> None:
    code = "import sys, tools.toolchain.cli; print(*sys.modules)"
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=Path(__file__).parents[3], text=True).split()
    assert "tools.toolchain.shell" in printed
    assert {"http.client", "subprocess", "tools.toolchain.sources", "tools.toolchain.venv"}.isdisjoint(printed)
