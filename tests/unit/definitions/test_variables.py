"""Insight variables: SQL names them, and PostHog is told which they are."""

from __future__ import annotations

import pytest

from ai_admin.definitions import Definition, Source
from ai_admin.definitions.contract import contract
from providers.posthog.kinds import KINDS, Ref
from tests.unit.definitions.checkouts import Checkout

SQL = "SELECT count() FROM events WHERE properties.model = {variables.ai_model} -- {variables.x}"


@pytest.fixture
def asked(checkout: Checkout) -> Checkout:
    checkout.write("insights/i.yaml", f"key: i\nname: I\nsql:\n  query: \"{SQL}\"\n")
    return checkout


def variable(checkout: Checkout, name: str) -> None:
    checkout.write("insights/variables/v.yaml", f"key: ai_model\nname: {name}\ntype: String\ndefault_value: r1\n")


def test_a_variable_that_sql_names_is_a_reference(asked: Checkout) -> None:
    variable(asked, "AI model")
    source = asked.resources()["insight/i"].properties["query"]["source"]
    assert source["variables"] == [{"variableId": Ref("insight_variable", "ai_model"), "code_name": "ai_model"}]


def test_a_variable_that_is_not_there_is_said_at_the_query(asked: Checkout) -> None:
    assert asked.problems() == [
        'insights/i.yaml:4:64: insight/i: there is no insight variable "ai_model"; define it in insights/variables/'
    ]


def test_the_key_of_a_variable_is_what_sql_calls_it(asked: Checkout) -> None:
    variable(asked, "The model of AI")
    assert asked.problems() == [
        "insights/variables/v.yaml:1:6: insight_variable/ai_model: SQL calls a variable of this name "
        '{variables.the_model_of_ai}, and the key is "ai_model"; write "the_model_of_ai" as the key, or another name'
    ]


def test_posthog_keeps_variables_by_their_ids(asked: Checkout) -> None:
    [query] = [field for field in KINDS["insight"].fields if field.name == "query"]
    told = {"kind": "HogQLQuery", "query": SQL, "variables": [{"variableId": "0190", "code_name": "ai_model"}]}
    kept = {**told, "variables": {"0190": told["variables"][0]}}
    assert query.write(told, None) == kept  # type: ignore[arg-type]
    assert query.canonical(kept) == query.canonical(told)


def test_a_variable_by_its_id_stays_with_its_id(checkout: Checkout) -> None:
    own = "{'0190': {variableId: '0190', code_name: ai_model}}"
    checkout.write("insights/i.yaml", f"key: i\nname: I\nsql:\n  query: \"{SQL}\"\n  variables: {own}\n")
    insight = checkout.resources()["insight/i"]
    assert insight.properties["query"]["source"]["variables"] == [{"variableId": "0190", "code_name": "ai_model"}]
    [file] = contract([Definition("insight", "i", insight.properties, Source("", 1, 1))])
    assert file.value["sql"] == {"query": SQL, "variables": {"0190": {"variableId": "0190", "code_name": "ai_model"}}}


def test_a_value_of_a_variable_is_said_by_its_name(asked: Checkout) -> None:
    variable(asked, "AI model")
    own = "{ai_model: {value: r1}}"
    asked.write("insights/i.yaml", f"key: i\nname: I\nsql:\n  query: \"{SQL}\"\n  variables: {own}\n")
    insight = asked.resources()["insight/i"]
    told = {"variableId": Ref("insight_variable", "ai_model"), "code_name": "ai_model", "value": "r1"}
    assert insight.properties["query"]["source"]["variables"] == [told]
    [file] = contract([Definition("insight", "i", insight.properties, Source("", 1, 1))])
    assert file.value["sql"] == {"query": SQL, "variables": {"ai_model": {"value": "r1"}}}


def test_a_variable_with_a_value_that_is_not_there_is_said(checkout: Checkout) -> None:
    checkout.write("insights/i.yaml", "key: i\nname: I\nsql:\n  query: SELECT 1\n  variables: {gone: {value: 1}}\n")
    assert checkout.problems() == [
        'insights/i.yaml:5:21: insight/i: there is no insight variable "gone"; define it in insights/variables/'
    ]
