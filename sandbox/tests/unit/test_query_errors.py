"""What a query that can't be read is told, and what the people who run the server are."""

import pytest

from sandbox.query.errors import NotComputedError, QueryError, within_schema


def test_what_is_not_as_the_schema_has_it_is_refused_and_stderr_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, int] = {}
    text = r"The TrendsQuery isn't as PostHog's schema has it: KeyError\('series'\)"
    with pytest.raises(QueryError, match=text), within_schema("TrendsQuery"):
        given["series"] += 1
    assert 'given["series"] += 1' in capsys.readouterr().err


def test_a_refusal_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotComputedError, match="does not compute forecasts"), within_schema("TrendsQuery"):
        raise NotComputedError("forecasts")
    assert capsys.readouterr().err == ""
