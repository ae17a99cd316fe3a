"""The generated modules themselves: what they hold, and when `ai-admin` says that they are old."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from ai_admin.clients import FILES, NotGenerated, generate
from ai_admin.clients.contents import named
from ai_admin.definitions.check import check
from tests.support.checkouts import SAMPLES, sample_checkout
from tests.support.sandbox import REPOSITORY
from tests.unit.definitions.checkouts import Checkout

EXAMPLE = REPOSITORY / "examples" / "ai_service"


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


def test_any_text_of_a_definition_is_only_a_text_in_code(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    nasty = r'"""\ */ ${x}"' * 12
    text = "'" + nasty + "'"
    checkout.write("flags/f.yaml", f"key: class\ndescription: {text}\nrelease_conditions: [{{}}]\n")
    lines = ('key: order "placed"', f"description: {text}", "properties:", "  self: {type: String}", "  1st $: {}")
    checkout.write("events/e.yaml", "\n".join(lines))
    texts = generate(check(tmp_path).indexes)
    module = ast.parse(texts["ai_admin_client.py"])
    methods = {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
    assert (ast.get_docstring(methods["class_"]) or "").replace("\n", " ").startswith("'''\\ */ ${x}")
    assert [each.arg for each in methods["capture_order_placed"].args.kwonlyargs] == ["self_", "_1st"]
    comments = [part.partition("*/")[0] for part in texts["ai_admin_client.ts"].split("/**")[1:]]
    assert [part for part in comments if "${x}" in part and "* /" not in part] == []


@pytest.mark.parametrize(
    ("capitals", "name"), [("", "order_placed_2"), ("first", "OrderPlaced2"), ("others", "orderPlaced2")]
)
def test_a_key_becomes_a_name(capitals: str, name: str) -> None:
    assert named(["order-placed: 2"], capitals) == {"order-placed: 2": name}
    with pytest.raises(NotGenerated):
        named(["order-placed: 2", "order placed 2"], capitals)
