"""A plan as Markdown: whatever is in it, one comment that GitHub takes, with what is left out counted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ai_admin.review.as_json import as_json
from ai_admin.review.audience import Reach, Served
from ai_admin.review.changes import Action, Change
from ai_admin.review.markdown import LIMIT, markdown, marker
from ai_admin.review.reading import changing
from ai_admin.review.report import ByHand, Entry, Report, seconds
from ai_admin.review.sentences import Sentence
from ai_admin.review.text import text
from ai_admin.review.uses import Use
from providers.posthog.history import Author
from providers.posthog.kinds import Ref
from providers.posthog.kinds.wording import SERVE, VIEW

NASTY = "a|b `c` <script>x</script> @octocat #12 **bold** ![x](http://y) ~~no~~ _i_\n# head"


def entry(number: int, *said: str, action: Action = Action.UPDATE, **change: Any) -> Entry:
    found = Change(Ref("flag", f"flag-{number}"), action, str(number), f"flags/flag-{number}.yaml:1:1", **change)
    return Entry(found, tuple(Sentence(each, "description", 0) for each in said))


def by_hand(number: int, said: str) -> Entry:
    author = Author("ana@example.com", "2026-11-12T09:30:00Z")
    found = Change(Ref("flag", f"flag-{number}"), Action.UPDATE, str(number))
    return Entry(found, by_hand=(ByHand(Sentence(said, "tags", 0), author),))


def report(*entries: Entry, **others: Any) -> Report:
    values: dict[str, Any] = {"refused": (), "warnings": (), "unowned": {}, "unchanged": 0, "seconds": 3.0}
    return Report("production", "https://eu.posthog.com", "7", entries, **{**values, **others})


@pytest.mark.parametrize("size", [1, 11, 300, 2000])
def test_a_change_of_any_size_is_one_comment(size: int) -> None:
    found = markdown(report(*(entry(n, f"description from {'old ' * 20} to {'new ' * 20}") for n in range(size))))
    assert len(found) <= LIMIT
    assert found.startswith(marker("production") + "\n")
    assert found.count("<details>") == found.count("</details>") == (size > 10)
    shown = found.count("- **flag flag\\-") or found.count("- **flag flag-")
    said = [line for line in found.splitlines() if "don't fit into this comment" in line]
    assert len(said) == (shown < size)
    if said:
        assert f"**{size - shown:,} changes don't fit" in said[0]
        assert "`ai-admin plan --stack production` shows all of them" in said[0]


@pytest.mark.parametrize(
    "found",
    [
        report(*(by_hand(n, "tags: " + "x" * 200) for n in range(2000))),
        report(entry(1, "is switched off"), refused=tuple("no " * 50 for _ in range(2000))),
        report(entry(1, "is switched off"), warnings=tuple(f"{n} " + "w" * 200 for n in range(2000))),
        report(entry(1, *(f"condition {n} " + "c" * 100 for n in range(2000)))),
        report(*(entry(n, NASTY * 40) for n in range(2000))),
    ],
    ids=["by hand", "refusals", "warnings", "one object", "markup"],
)
def test_whatever_is_long_the_comment_fits_and_says_that_something_is_left_out(found: Report) -> None:
    made = markdown(found)
    assert len(made) <= LIMIT
    assert made.startswith(marker("production") + "\n")
    assert "don't fit into this comment" in made
    assert made.count("<details>") == made.count("</details>")


def test_what_people_wrote_is_no_markup() -> None:
    made = markdown(report(entry(1, NASTY), by_hand(2, NASTY), warnings=(NASTY,), refused=(NASTY,)))
    for line in made.splitlines()[1:]:
        for raw in ("a|b", " `c`", "<script>", "@octocat", " #12", "**bold**", "![x](", "~~no~~", "_i_", "http://y"):
            assert raw not in line, line
    assert "\n# head" not in made


def test_what_people_wrote_is_read_in_the_order_that_it_has() -> None:
    hidden = "from a to \u202eb\u2066\x1b[8mc"
    made = markdown(report(entry(1, hidden), by_hand(2, hidden), warnings=(hidden,), refused=(hidden,)))
    assert made.isascii()
    assert "\x1b" not in made
    assert made.count(r"\\u202eb\\u2066") == 4


def test_a_files_name_is_no_markup() -> None:
    change = Change(Ref("flag", "a"), Action.UPDATE, "1", "flags/` @octocat\n# head.yaml:7:1")
    made = markdown(report(Entry(change, (Sentence("is switched off", "active", 0),))))
    assert "\n- **flag a** `flags/' @octocat # head.yaml:7`\n" in made


def test_a_reader_sees_refusals_first_then_changes_by_hand_then_the_rest() -> None:
    found = report(
        entry(1, "is switched off"), by_hand(2, "tags: a added"), refused=("too many",), unowned={"flag": 3}
    )
    for made, order in (
        (markdown(found), ["too many", "tags: a added", "is switched off", "3 flags"]),
        (text(found), ["too many", "is switched off", "tags: a added", "3 flags"]),
    ):
        places = [made.index(each) for each in order]
        assert places == sorted(places)
    assert "by ana@example.com on 12 Nov 2026, 09:30 UTC" in text(found)


def test_what_is_refused_is_not_said_to_be_put_back() -> None:
    ended = by_hand(2, "end is 26 Nov 2026 (was not set)")
    refused = replace(ended, change=replace(ended.change, refused="it was ended in PostHog; add resume/e"))
    said = entry(2, "name from a to b").sentences
    with_file = replace(refused, by_hand=(), overwritten=ended.by_hand, sentences=said)
    for made in (form(report(each)) for each in (refused, with_file) for form in (text, markdown)):
        assert "would be put back" not in made
        assert "overwrites" not in made
        places = [made.index(each) for each in ("in PostHog: end is 26 Nov", "not applied: it was", "resume/e")]
        assert places == sorted(places)


def test_what_is_put_back_is_said_with_what_follows_and_first_where_more_depends_on_it() -> None:
    lowered = by_hand(2, 'condition "Everybody" from 50 % to 10 %')
    [found] = lowered.by_hand
    serving = replace(found, sentence=replace(found.sentence, weight=SERVE))
    put_back = replace(lowered, by_hand=(serving,), reach=Reach(12, 62, 125), uses=(Use("flag x serves by it"),))
    words = report(put_back, entry(1, "description from a to b"))
    order = ["from 50 % to 10 %", "serves about 12 of 125 persons now, and about 62 then", "flag x serves by it"]
    for made in (text(words), markdown(words)):
        places = [made.index(each) for each in (*order, "description from a to b")]
        assert places == sorted(places)


def weighed(one: Entry, weight: int) -> Entry:
    def of(said: Sentence) -> Sentence:
        return replace(said, weight=weight)

    by_them = tuple(replace(each, sentence=of(each.sentence)) for each in one.by_hand)
    return replace(one, sentences=tuple(map(of, one.sentences)), by_hand=by_them)


def test_what_is_put_back_stands_behind_no_change_on_which_less_depends_and_before_none_on_which_more_does() -> None:
    described = entry(1, "description from a to b").sentences
    both = replace(weighed(by_hand(1, "is switched on"), SERVE), sentences=described)
    others = [
        weighed(entry(2, "is switched off", action=Action.REPLACE), SERVE),
        weighed(entry(3, "chart from line to bar"), VIEW),
        weighed(by_hand(4, "condition is gone"), SERVE),
        by_hand(5, "tags: added a"),
    ]
    order = [
        "is switched off",
        "is switched on",
        "condition is gone",
        "chart from line to bar",
        "description from a to b",
        "tags: added a",
    ]
    entries = sorted([both, *others], key=lambda each: -each.danger)
    found = report(*entries)
    lines = text(found).splitlines()
    places = [next(n for n, line in enumerate(lines) if said in line) for said in order]
    assert places == sorted(places)
    heads = [n for n, line in enumerate(lines) if line.startswith("changed on PostHog's pages")]
    assert [sum(head < place for head in heads) for place in places] == [0, 1, 1, 1, 1, 2]
    told = markdown(found)
    for section in (["switched on", "condition is gone", "added a"], ["switched off", "line to bar", "from a to b"]):
        assert [told.index(said) for said in section] == sorted(told.index(said) for said in section)


def test_a_flag_that_is_off_goes_after_changes_of_those_that_serve() -> None:
    def goes(active: bool) -> Entry:
        made = entry(1, action=Action.DELETE)
        return replace(made, change=replace(made.change, live={"key": "x", "active": active}))

    changed = weighed(entry(2, 'condition "Everybody" from 50 % to 40 %'), SERVE)
    assert goes(active=True).danger > changed.danger > goes(active=False).danger


def test_nothing_is_said_in_one_line() -> None:
    title = "production (project 7 of https://eu.posthog.com): nothing changes, 12 as they are"
    assert text(report(unchanged=12)) == title
    assert markdown(report(unchanged=12)).count("\n") <= 3


def test_colours_are_the_callers() -> None:
    made = text(report(entry(1, "is switched off")), lambda part, colour: f"<{colour}>{part}</>")
    assert "<yellow>~</> <bold>flag flag-1</>" in made


def test_a_reach_is_said_with_what_it_is_of() -> None:
    grown = Entry(entry(1).change, reach=Reach(620, 1240, 5000))
    assert "serves about 620 of 5,000 persons now, and about 1,240 then" in text(report(grown))
    groups = Entry(entry(1).change, reach=Reach(2, 2, 5, groups=True))
    assert "serves about 2 of 5 groups, as before" in text(report(groups))


def test_of_a_condition_with_another_audience_both_numbers_are_said() -> None:
    """The net of who goes and who comes would hide a swap of the whole audience."""
    change = entry(1).change
    said = (Sentence('condition "Beta": audience from a to b', "release_conditions", 3, ("Beta",)),)
    swapped = text(report(Entry(change, said, reach=Reach(77, 78, 203, conditions={"Beta": Served(77, 78, 1, True)}))))
    assert "a to b: serves about 77 of 203 persons now, and about 78 then; not the same ones" in swapped
    wider = text(report(Entry(change, said, reach=Reach(77, 78, 203, conditions={"Beta": Served(77, 78, 1)}))))
    assert "a to b: about 1 of 203 persons more" in wider


def test_who_several_conditions_serve_is_not_said_to_be_more() -> None:
    change = entry(1).change
    said = (Sentence('condition "Beta" is new: 100 %', "release_conditions", 3, ("Beta",)),)
    same = text(report(Entry(change, said, reach=Reach(203, 203, 203, conditions={"Beta": Served(0, 78, 0)}))))
    assert 'condition "Beta" is new: 100 %: nobody more, as other conditions serve the same persons' in same
    unknown = Reach(100, 178, 203, conditions={"Beta": Served(0, 78, 78, at_most=True)}, at_most=True)
    assert "100 %: at most 78 of 203 persons more" in text(report(Entry(change, said, reach=unknown)))
    assert "serves about 100 of 203 persons now, and at most 178 then" in text(report(Entry(change, reach=unknown)))


def test_what_stays_off_or_is_not_applied_is_not_counted_among_what_changes() -> None:
    held, refused = entry(1, "tags: added a", action=Action.HOLD), entry(2, "is switched on", refused="too far")
    assert "): nothing changes, 1 stays off; about" in text(report(held))
    found = report(held, refused, entry(3, "is switched off"))
    assert "): 1 object changes, 1 stays off, 1 is not applied; about" in text(found)


def test_what_is_taken_over_as_it_is_is_counted_apart_from_what_changes() -> None:
    """A stack's first plan, or one whose state was lost, would hide the change in eighty lines."""
    taken = [entry(n, action=Action.ADOPT) for n in range(1, 4)]
    found = report(entry(9, "is switched off", applied={}), *taken)
    assert "1 object changes, 3 are adopted as they are (nothing is sent); about" in text(found)
    assert "adopted as they are in PostHog (nothing is sent): 3 flags" in text(found).splitlines()
    assert "flag flag-2" not in text(found)
    assert "  flag flag-2" in text(found, every=True).splitlines()
    assert "(nothing is sent): 3 flags" in markdown(found)
    assert [each["name"] for each in json.loads(as_json(found))["changes"]][1:] == [f"flag/flag-{n}" for n in (1, 2, 3)]
    assert "state was lost" not in text(found)
    assert "nothing is in the stack's state: it is new, or its state was lost" in text(report(*taken))


def test_what_posthog_has_not_met_yet_is_no_change() -> None:
    unmet = Entry(Change(Ref("property", "person.plan"), Action.CREATE, wanted={}))
    taken = entry(1, action=Action.ADOPT)
    found = report(unmet, taken)
    assert "): nothing changes, 1 is adopted as it is (nothing is sent), 1 is not in PostHog yet (" in text(found)
    assert "+ property person.plan is not in PostHog yet, which makes it when" in text(found)
    assert changing(found) == [taken]
    refused = Entry(replace(unmet.change, refused="left out, as it refers to another one"))
    moving = entry(2, "is switched off")
    assert changing(report(unmet, moving, refused)) == [moving, refused]


def test_what_uses_it_is_counted_where_that_is_shorter() -> None:
    change = entry(1).change
    insights = [Use(f"insight i{n} draws it") for n in range(12)]
    nine, ten = (text(report(Entry(change, uses=tuple(insights[:n])))) for n in (9, 10))
    assert "insight i8 draws it" in nine
    assert "more use it" not in nine
    assert "and 2 more use it" in ten
    flags = [Use(f"flag f{n} serves by it", Ref("flag", f"f{n}")) for n in range(12)]
    many = text(report(Entry(change, uses=(*flags, *insights[:2]))))
    assert "flag f11 serves by it" in many, "who is served is never left out"
    assert "and 2 more use it" in many


def test_what_is_taken_over_as_it_is_waits_for_no_rate_limit() -> None:
    def change(number: int, **more: Any) -> Change:
        return Change(Ref("cohort", f"c{number}"), Action.ADOPT, str(number), **more)

    taken_over = [change(number) for number in range(600)]
    assert seconds(taken_over) < 100
    assert seconds([change(number, refused="no") for number in range(600)]) > seconds(taken_over) + 60
