"""What differs between installations: asked for, changed, given at the start; what each setting does is tested with its
kind.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.__main__ import main
from sandbox.tests.running import running_sandbox
from sandbox.tests.shapes import Api, refusal

INCONVENIENT = {
    "filters": "replace",
    "experiment_lists": "light",
    "insight_dashboards": "on_request",
    "gated_fields": "dropped",
    "missing_event_definition": "error",
    "usage_dashboards": True,
}


def test_the_inconvenient_values_are_the_usual_ones(api: Api) -> None:
    settings = api.get("/_sandbox/settings")
    assert {name: settings[name] for name in INCONVENIENT} == INCONVENIENT


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:http", "example.com:25", "x@127.0.0.1:25/"])
def test_a_mail_server_is_on_this_machine(api: Api, address: str) -> None:
    detail = f"smtp must be a host:port on this machine, such as 127.0.0.1:1025, not {address!r}"
    assert refusal(api("PATCH", "/_sandbox/settings", {"smtp": address}))[2] == detail


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"filters": "mixed"}, "filters must be one of replace, merge, not 'mixed'"),
        ({"gated_fields": True}, "gated_fields must be one of dropped, refused, kept, not True"),
        ({"usage_dashboards": "no"}, "usage_dashboards must be bool, not str"),
        ({"alert_limit": 1.5}, "alert_limit must be int, not float"),
        ({"alert_limit": True}, "alert_limit must be int, not bool"),
        ({"delivery_pause": -1}, "delivery_pause must be 0 or more, not -1.0"),
        ({"alert_limit": -1}, "alert_limit must be 0 or more, not -1"),
        ({"filters": ["merge"]}, "filters must be one of replace, merge, not ['merge']"),
    ],
)
def test_a_value_that_is_none_of_a_setting_is_refused(api: Api, values: dict[str, Any], detail: str) -> None:
    before = api.get("/_sandbox/settings")
    assert refusal(api("PATCH", "/_sandbox/settings", {"flag_limit": 1, **values}))[2] == detail
    assert api.get("/_sandbox/settings") == before, "nothing of it is set"


def test_an_unknown_setting_is_refused_with_the_known_ones(api: Api) -> None:
    detail = refusal(api("PATCH", "/_sandbox/settings", {"early_exit": True}))[2]
    assert detail.startswith("unknown setting 'early_exit'; known: alert_limit, ")


def test_whole_numbers_are_seconds_too(api: Api) -> None:
    with api.setting(recalculation_delay=1):
        assert api.get("/_sandbox/settings")["recalculation_delay"] == 1.0


def test_settings_are_given_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_sandbox(tmp_path, "--settings", '{"filters": "merge", "usage_dashboards": false}') as running:
        settings = Api(running).get("/_sandbox/settings")
    assert (settings["filters"], settings["usage_dashboards"]) == ("merge", False)
    monkeypatch.setenv("SANDBOX_SETTINGS", '{"filters": "merge"}')
    with running_sandbox(tmp_path) as running:
        assert Api(running).get("/_sandbox/settings")["filters"] == "merge"


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"filters": "mixed"}), json.dumps({"nonsense": 1})])
def test_a_start_with_settings_that_cannot_be_read_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["sandbox", "--data", str(tmp_path), "--settings", text])
    assert main() == 2
    assert capsys.readouterr().err.startswith("cannot read --settings: ")
