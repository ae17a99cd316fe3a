"""HogQL's tables: their columns, what kind of value each holds, and the tables that stand behind a dot.

Source: PostHog's posthog/hogql/database/schema. A kind is String, Int, Float, Bool, DateTime, Date, UUID, JSON or any.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class Expr(NamedTuple):
    """A piece of ClickHouse SQL, the kind of its value, and whether that may be null."""

    sql: str
    kind: str = "any"
    null: bool = True


@dataclass(frozen=True)
class Join:
    """Another table's row that belongs to a row of this one."""

    table: str
    on: str  # of {here} and {there}, the aliases


@dataclass(frozen=True)
class Table:
    """A table: its columns' kinds (a `?` where null is possible), and what it is joined with on demand."""

    columns: dict[str, str]
    joins: dict[str, Join] = field(default_factory=dict)
    # Other names of a field, as chains: `person.id` of an event is its `person_id`.
    same: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    # Whose definitions say what type a property has, by column.
    properties: dict[str, str] = field(default_factory=dict)


def _columns(text: str) -> dict[str, str]:
    return dict(each.split(":") for each in text.split())


_PERSON = Join("persons", "{here}.person_id = {there}.id")
_SESSION = Join("sessions", "{here}.`$session_id` = {there}.session_id")
_GROUPS = {
    f"group_{index}": Join("groups", f"{{here}}.`$group_{index}` = {{there}}.key AND {{there}}.`index` = {index}")
    for index in range(5)
}
_DISTINCT = Join("person_distinct_ids", "{here}.id = {there}.person_id")

TABLES = {
    "events": Table(
        _columns(
            "uuid:UUID event:String properties:JSON timestamp:DateTime distinct_id:String elements_chain:String"
            " created_at:DateTime $session_id:String? $window_id:String? person_mode:String person_id:UUID"
            " $group_0:String $group_1:String $group_2:String $group_3:String $group_4:String person_properties:JSON"
        ),
        {"person": _PERSON, "session": _SESSION, **_GROUPS},
        {
            ("person", "id"): ("person_id",),
            # As they were when the event came, which is what new projects of PostHog use.
            ("person", "properties"): ("person_properties",),
            ("poe", "properties"): ("person_properties",),
            ("poe", "id"): ("person_id",),
            ("poe", "created_at"): ("person", "created_at"),
            ("pdi", "person_id"): ("person_id",),
            ("pdi", "distinct_id"): ("distinct_id",),
            ("pdi", "person"): ("person",),
        },
        {"properties": "event", "person_properties": "person"},
    ),
    "persons": Table(
        _columns("id:UUID created_at:DateTime properties:JSON is_identified:Bool last_seen_at:DateTime?"),
        {"pdi": _DISTINCT},
        properties={"properties": "person"},
    ),
    "person_distinct_ids": Table(_columns("distinct_id:String person_id:UUID"), {"person": _PERSON}),
    "groups": Table(
        _columns("index:Int key:String created_at:DateTime updated_at:DateTime properties:JSON"),
        properties={"properties": "group"},
    ),
    "cohort_people": Table(_columns("person_id:UUID cohort_id:Int"), {"person": _PERSON}),
    "static_cohort_people": Table(_columns("person_id:UUID cohort_id:Int"), {"person": _PERSON}),
    "sessions": Table(
        _columns(
            "session_id:String id:String distinct_id:String $start_timestamp:DateTime $end_timestamp:DateTime"
            " $session_duration:Int $pageview_count:Int $autocapture_count:Int $screen_count:Int"
            " $num_uniq_urls:Int $is_bounce:Bool $entry_current_url:String $end_current_url:String"
            " $entry_pathname:String $end_pathname:String"
        )
    ),
}
HIDDEN = frozenset({"person_properties"})  # a column of ours that `*` doesn't show
SESSIONS_VIEW = """
SELECT assumeNotNull(`$session_id`) AS session_id, session_id AS id, argMin(distinct_id, timestamp) AS distinct_id,
    min(timestamp) AS `$start_timestamp`, max(timestamp) AS `$end_timestamp`,
    dateDiff('second', min(timestamp), max(timestamp)) AS `$session_duration`,
    countIf(event = '$pageview') AS `$pageview_count`, countIf(event = '$autocapture') AS `$autocapture_count`,
    countIf(event = '$screen') AS `$screen_count`,
    uniqExactIf(JSONExtractString(properties, '$current_url'), JSONHas(properties, '$current_url')) AS `$num_uniq_urls`,
    (`$pageview_count` + `$screen_count` = 1 AND `$autocapture_count` = 0 AND `$session_duration` < 10) AS `$is_bounce`,
    argMinIf(JSONExtractString(properties, '$current_url'), timestamp, JSONHas(properties, '$current_url'))
        AS `$entry_current_url`,
    argMaxIf(JSONExtractString(properties, '$current_url'), timestamp, JSONHas(properties, '$current_url'))
        AS `$end_current_url`,
    path(`$entry_current_url`) AS `$entry_pathname`, path(`$end_current_url`) AS `$end_pathname`
FROM {events} WHERE `$session_id` IS NOT NULL GROUP BY session_id
"""
