"""The generated modules themselves: what they hold, and when `ai-admin` says that they are old."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from mypy import api
from posthog import Posthog

from ai_admin.cli.commands import cli
from ai_admin.clients import FILES, NotGenerated, generate
from ai_admin.clients.contents import named
from ai_admin.definitions.check import check
from ai_admin.evaluation import resources, served
from tests.support.checkouts import SAMPLES, sample_checkout
from tests.support.sandbox import REPOSITORY
from tests.unit.clients.kinds import VALUES, every_kind
from tests.unit.definitions.checkouts import Checkout

EXAMPLE = REPOSITORY / "examples" / "ai_service"


def functions(module: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(module)) if isinstance(node, ast.FunctionDef)]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(sample_checkout(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.mark.parametrize("name", FILES)
def test_the_examples_client_is_that_of_the_samples(name: str) -> None:
    """The golden modules, which `make docs` writes."""
    assert (EXAMPLE / name).read_text("utf-8") == generate(check(SAMPLES).indexes)[name]


def test_clients_are_written_once_and_checked_where_they_are(root: Path) -> None:
    assert run("clients", "--check").exit_code == 1
    assert not (root / "clients").exists()
    assert run("clients").exit_code == 0
    assert {path.name for path in (root / "clients").iterdir()} == set(FILES)
    assert run("clients").output.count("(unchanged)") == 2
    assert (run("clients", "--check").exit_code, run("check").exit_code) == (0, 0)
    flag = root / "flags" / "ai-max-daily-tokens.yaml"
    flag.write_text(flag.read_text().replace("ceiling: 5000000", "ceiling: 6000000"))
    assert run("clients", "--check").output.count("run ai-admin clients") == 2
    said = run("check")
    assert said.exit_code == 1
    assert (
        "clients/ai_admin_client.py:1:1: the definitions generate another client; run ai-admin clients" in said.output
    )


def test_a_rollout_is_no_matter_of_the_client(root: Path) -> None:
    run("clients")
    flag = root / "flags" / "ai-enhancement-enabled.yaml"
    flag.write_text(flag.read_text().replace("rollout_percentage: 50", "rollout_percentage: 60"))
    assert run("check").exit_code == 0


def test_no_client_is_made_of_definitions_with_problems(root: Path) -> None:
    (root / "flags" / "bad.yaml").write_text("key: bad\n")
    done = run("clients")
    assert (done.exit_code, (root / "clients").exists()) == (3, False)
    assert "flags/bad.yaml:1:1" in done.stderr


def test_two_keys_with_one_name_are_named_both(root: Path) -> None:
    run("clients")
    (root / "flags" / "other.yaml").write_text("key: ai_model_version\nrelease_conditions: [{}]\n")
    said = '"ai-model-version" and "ai_model_version" are both ai_model_version in code; rename one of them'
    done = run("clients")
    assert (done.exit_code, said in done.stderr) == (1, True)  # of CliRunner; 2 of the process
    assert said in run("check").output


def test_one_client_has_the_variants_of_all_stacks(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    variants = "variants: [{key: %s, rollout_percentage: 100}]"
    lines = ("key: f", "release_conditions: [{}]", variants % "a", f"stacks: {{staging: {{{variants % 'b'}}}}}")
    checkout.write("flags/f.yaml", "\n".join(lines))
    texts = generate(check(tmp_path).indexes)
    assert 'FVariant = Literal["a", "b"]' in texts["ai_admin_client.py"]
    assert 'export type FVariant = "a" | "b"' in texts["ai_admin_client.ts"]


def test_names_and_texts_of_definitions_are_only_names_and_texts_in_code(tmp_path: Path) -> None:
    texts = generate(every_kind(tmp_path))
    methods = {each.name: each for each in functions(texts["ai_admin_client.py"])}
    assert (ast.get_docstring(methods["text"]) or "").startswith(r"'''\ */ ${x}")
    placed = methods["capture_order_placed"].args.kwonlyargs
    assert [each.arg for each in placed] == ["self_", "given", "_1st", "when", "took", "quoted"]
    comments = [part.partition("*/")[0] for part in texts["ai_admin_client.ts"].split("/**")[1:]]
    assert any("${x}" in part for part in comments)


def test_a_client_of_every_kind_has_strict_types(tmp_path: Path) -> None:
    """Of TypeScript's compiler the same is asked in tests/editor."""
    (tmp_path / "ai_admin_client.py").write_text(generate(every_kind(tmp_path))["ai_admin_client.py"])
    options = ["--strict", "--warn-unreachable", "--cache-dir", str(REPOSITORY / ".mypy_cache"), "--config-file="]
    said, _, code = api.run([*options, str(tmp_path / "ai_admin_client.py")])
    assert (said, code) == ("Success: no issues found in 1 source file\n", 0)


def test_a_reader_gives_what_its_flag_delivers_or_else_its_fallback(tmp_path: Path) -> None:
    """By the real SDK over what an apply would send; then the same payloads where other types are read."""
    indexes = every_kind(tmp_path)
    module: dict[str, Any] = {"__name__": "ai_admin_client"}
    exec(generate(indexes)["ai_admin_client.py"], module)
    posthog = Posthog("phc_x", host="http://127.0.0.1:9", secret_key="phx_x", poll_interval=3600, send=False)
    client = module["AiAdmin"](posthog)

    def given() -> dict[str, Any]:
        flags = client.flags("inst-1")
        return {kind: (getattr(flags, f"{kind}_flag")(), getattr(flags, f"{kind}_safe_flag")()) for kind in VALUES}

    kinds = {kind: tuple(map(yaml.safe_load, values)) for kind, values in VALUES.items()}
    nothing = {kind: (None, fallback) for kind, (_, fallback) in kinds.items()}
    assert given() == nothing
    definitions = served(resources(indexes[None])).flags
    posthog.feature_flags = list(definitions.values())
    assert given() == {kind: (payload, payload) for kind, (payload, _) in kinds.items()}
    for key, each in definitions.items():
        other = "[1]" if key.startswith("object") else '{"a": NaN}' if key.startswith("array") else '[{"a": 1}]'
        each["filters"]["payloads"] = {"true": other}
    assert given() == nothing
    for key, payload in (("integer-safe-flag", "1e9"), ("number-safe-flag", "400000.5"), ("integer-flag", "1.5")):
        definitions[key]["filters"]["payloads"] = {"true": payload}
    assert (given()["integer"], given()["number"]) == ((None, 300_000), (None, 300_000))
    definitions["number-safe-flag"]["filters"]["payloads"] = {"true": "Infinity"}
    assert given()["number"] == (None, 0.25)
    posthog.shutdown()


def test_an_event_is_not_taken_for_the_installation_nor_for_what_the_client_has(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.write("flags/then.yaml", "key: then\nrelease_conditions: [{}]\n")
    checkout.write("events/e.yaml", "key: ai\nproperties: {admin: {type: String, values: [a]}}\n")
    texts = generate(check(tmp_path).indexes)
    assert 'AiAdmin_ = Literal["a"]' in texts["ai_admin_client.py"]
    assert "  then_(): boolean" in texts["ai_admin_client.ts"], "nobody may await it as a promise"
    for name, kind in (("installation", "type: person\n"), ("person", "")):
        text = f"key: {name}\n{kind}properties: {{channel: {{type: String, values: [{name}]}}}}\n"
        checkout.write(f"events/{name}.yaml", text)
    with pytest.raises(NotGenerated, match=r'"person: channel" and "person channel" are both PersonChannel in code'):
        generate(check(tmp_path).indexes)


@pytest.mark.parametrize(
    ("capitals", "name"), [("", "order_placed_2"), ("first", "OrderPlaced2"), ("others", "orderPlaced2")]
)
def test_a_key_becomes_a_name(capitals: str, name: str) -> None:
    assert named(["order-placed: 2"], capitals) == {"order-placed: 2": name}
    with pytest.raises(NotGenerated):
        named(["order-placed: 2", "order placed 2"], capitals)
