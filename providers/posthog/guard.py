"""The guard: what the provider refuses to do, in addition to the program's gates.

The program compares the files with what was applied last. The guard sees the actual requests of a run and what PostHog
holds, so that nothing bypasses the gates: `pulumi destroy` runs no program, `--target` applies a part, `pulumi refresh`
accepts changes by hand, and a state can be edited.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from providers.posthog.consents import (
    CONSENTED,
    DELETES,
    EVERYBODY,
    ON,
    ROLLOUT_STEP,
    TO_CONSENT,
    UPDATES,
    again_code,
    condition_digest,
    consented_number,
    counted,
    on_code,
    removal_code,
    reset_code,
    resume_code,
    rollout,
    rollout_code,
    withhold_code,
)
from providers.posthog.errors import Unsafe
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import Kind, Properties
from providers.posthog.kinds.holdout import excluded, held_by, written_share
from providers.posthog.reconcile import known, same
from providers.posthog.settings import Settings
from providers.posthog.shares import already_served, filters, freed

if TYPE_CHECKING:
    from providers.posthog.inventory import Inventory

UNDER_WAY: Mapping[str, tuple[str, str, Callable[[str], str]]] = {
    "start_date": ("started", "become a draft", reset_code),
    "end_date": ("ended", "run again", resume_code),
    "conclusion": ("concluded", "lose that", resume_code),
    "conclusion_comment": ("commented on at its end", "lose that", resume_code),
    "archived": ("archived", "leave the archive", resume_code),
}
"""The fields of an experiment or a survey that a file without them does not clear, each with what was done, what the
run would do, and the consent."""

_KEEPS_OUT: Mapping[str, tuple[str, str]] = {
    "holdout": ("exclusion_percentage", "write `exclusion_percentage: {:g}`"),
    "experiment": ("holdout", "write `unmanaged: [holdout]`"),
}
"""By kind, the field by which an object keeps people out of flags, and how to keep what PostHog has of it."""


class Guard:
    """Counts and judges the changes of this process, which lives for one run. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settings = Settings({}, {})
        self.program = False
        """Whether :meth:`program_runs` was called."""
        self._changed: set[str] = set()
        self._replaced: dict[tuple[str, str], str] = {}
        self._deleted: set[tuple[str, str]] = set()
        self._shown: set[str] = set()
        self._kept_out: dict[str, float] = {}
        """By the ids of holdouts that this run changes, what they keep out then."""
        self._moved: set[str] = set()
        """The ids of flags that get what another holdout keeps out, or none, by an experiment."""

    def configure(self, settings: Settings) -> None:
        """Set the stack's settings: of this run, or, where no program runs, of the last `up`."""
        self._settings = settings

    def program_runs(self) -> None:
        """Record that a program registers resources: this is an `up` or a preview, not a refresh or a destroy.

        The settings are then those of this run.
        """
        self.program = True

    def holds(
        self, kind_name: str, olds: Properties, news: Properties, switch: str, on_since: Callable[[str], bool]
    ) -> bool:
        """Return whether a flag stays off because somebody switched it off in PostHog. In a preview too.

        ``olds`` is what PostHog holds. ``switch`` says how the flag was applied last (see ``inputs.Metadata``). If it
        was applied on, somebody switched it off since, and this run does not intend to switch it on. If it was applied
        off, the same is true only if it was on in between: ``on_since`` finds that out, given the time. A consent is
        used up by the run that leaves the flag on: it does not cover a later switch-off.
        """
        if not switch or not _switches_on(kind_name, olds, news):
            return False
        if on_code(news["key"]) in self._settings.consents and switch != CONSENTED:
            return False
        return switch in (ON, CONSENTED) or on_since(switch)

    def create(
        self, id_: str, wanted: Properties, switch: str, deleted_by: Callable[[], str], experiments: Sequence[str] = ()
    ) -> None:
        """Judge the creation of a flag that was applied before: a flag that was applied on is not created on again.

        ``id_`` was its id, ``switch`` says how it was applied last (see ``inputs.Metadata``), and ``deleted_by`` who
        deleted it. The consent names the id, so it is for this deletion only. ``experiments`` name those of the deleted
        flag, which PostHog would not connect to a new one. Raises :class:`Unsafe`.
        """
        if experiments:
            raise Unsafe(
                f"it was deleted in PostHog {deleted_by()}, and a new flag would not be that of "
                f"{', '.join(experiments)}; restore it there, or delete that experiment there"
            )
        code = again_code(wanted["key"], id_)
        on = switch in (ON, CONSENTED) and wanted.get("active", True) is not False
        if on and code not in self._settings.consents:
            raise Unsafe(
                f"it was deleted in PostHog {deleted_by()} and is not created again in passing, as it would be on; "
                "restore it there, delete its file, or write `active: false` to have it back off; to have it back on, "
                f"add {code} to ai-admin:consent in the stack's configuration"
            )

    def dates(self, kind: Kind, name: str, live: Properties, wanted: Properties, by: Callable[[str], str]) -> None:
        """Judge the dates of an experiment or a survey (Pulumi name): one that was started or ended remains so, with
        what was concluded.

        ``by`` says who changed a field of it in PostHog, which computes an experiment's results from these dates, and
        asks people between those of a survey. Raises :class:`Unsafe`.
        """
        dated = [field.name for field in kind.fields if field.name in UNDER_WAY]
        goes = [
            field
            for field in dated
            if live.get(field) and not wanted.get(field) and field not in wanted.get("unmanaged", ())
        ]
        keep = ", ".join(f"`{field}: {_written(live[field])}`" for field in goes)
        for field in goes:
            is_, would, code_of = UNDER_WAY[field]
            code = code_of(name)
            if code not in self._settings.consents:
                value = "" if live[field] is True else f", {_written(live[field])}"
                done = f"{value} {by(field)}".rstrip()
                raise Unsafe(
                    f"it was {is_} in PostHog{done}, and would {would}; "
                    f"write {keep} to keep it so, or leave that to PostHog "
                    f"with `unmanaged: [{', '.join(dated)}]`; {TO_CONSENT.format(code)}"
                )

    def anew(self, name: str, live: Properties, fields: Iterable[str]) -> None:
        """Judge the replacement of an experiment (Pulumi name) because these fields change: a started one would lose
        its results. Raises :class:`Unsafe`.
        """
        code = reset_code(name)
        if live.get("start_date") and code not in self._settings.consents:
            raise Unsafe(
                f"it was started, {live['start_date']}, and would be deleted and made anew, without its results, for "
                f"another {', '.join(fields)}; keep what it has (a flag that was deleted can be restored in PostHog), "
                f"or give the new experiment a file and a name of its own; {TO_CONSENT.format(code)}"
            )

    def ends(self, name: str, id_: str, live: Callable[[], Properties]) -> None:
        """Judge the deletion of an experiment (Pulumi name): one that runs is ended first, as its results go from
        PostHog's pages with it.

        ``live`` returns what PostHog holds, also of what is left to its pages. Raises :class:`Unsafe`.
        """
        code = reset_code(name)
        if not self.program or ("experiment", id_) in self._replaced or code in self._settings.consents:
            return
        found = live()
        if found.get("start_date") and not found.get("end_date"):
            raise Unsafe(
                f"it has run since {found['start_date']}, and its results would go from PostHog's pages; put its file "
                "back with an `end_date`, apply that, and delete it afterwards, or keep it and its results with "
                f"`archived: true`; {TO_CONSENT.format(code)}"
            )

    def adopt(self, kind_name: str, live: Properties, wanted: Properties) -> None:
        """Judge the adoption of an object: adopting a flag that is off in PostHog must not switch it on.

        The consent to a growth from 0 to the share of its widest condition is also one to that. Raises :class:`Unsafe`.
        """
        if _switches_on(kind_name, live, wanted):
            code = on_code(wanted["key"])
            conditions = wanted.get("release_conditions", [{}])
            shares = [each.get("rollout_percentage", 100) for each in conditions]
            growth = rollout_code(wanted["key"], 0, max(shares, default=0))
            if self._settings.consents.isdisjoint([code, growth]):
                raise Unsafe(
                    "it is off in PostHog, and adopting it would switch it on; write `active: false`, apply that, "
                    f"and switch it on afterwards; {TO_CONSENT.format(code)}"
                )

    def replace(self, kind_name: str, id_: str, source: str) -> None:
        """Record that an object is deleted because another one replaces it, whose definition is at ``source``."""
        with self._lock:
            self._replaced[kind_name, id_] = source

    def replaced_by(self, kind_name: str, id_: str) -> str:
        """Return the place of the definition that replaces an object; empty where none does."""
        return self._replaced.get((kind_name, id_), "")

    def change(
        self,
        kind_name: str,
        name: str,
        olds: Properties,
        news: Properties,
        unchanged: bool = False,
        targeting: str = "",
    ) -> None:
        """Judge a change of an existing object; ``olds`` is what PostHog holds. In a preview too.

        ``unchanged`` and ``targeting`` are the definition's metadata (see ``inputs.Metadata``). A flag that is off
        afterwards always passes. Raises :class:`Unsafe`.
        """
        if not self.program or (kind_name == "flag" and news.get("active") is False):
            return
        if self._settings.careful and kind_name == "flag":
            self._check_holdout(olds, news)
            self._check_step(olds, news, unchanged)
        if self._settings.careful and targeting and not same(olds.get("filters"), news.get("filters")):
            raise Unsafe(f"its criteria were changed in PostHog, and to put them back needs consent: {targeting}")
        allowed = max(UPDATES, consented_number("update", self._settings.consents))
        with self._lock:
            self._changed.add(name)
            if len(counted(self._changed)) > allowed:
                raise self._unsafe(
                    f"more than {allowed} objects would be changed in one run, as what PostHog holds is not what was "
                    f"applied last; {TO_CONSENT.format('update/NUMBER, the most that may be,')}",
                    f"not changed, as one of more than {allowed}",
                )

    def keeps_out(self, kind_name: str, id_: str, olds: Properties, news: Properties, inventory: Inventory) -> None:
        """Judge a change of a holdout or an experiment: PostHog writes the share that a holdout keeps out into flags.

        ``olds`` is what PostHog holds, empty for a new object; ``news`` is empty for a deletion. In a preview too.
        Raises :class:`Unsafe` where a flag that is on would serve whom PostHog keeps out of it, and ``ApiError``.
        """
        field, keep = _KEEPS_OUT[kind_name]
        stays = same(olds.get(field), news.get(field)) or field in news.get("unmanaged", ())
        if not self.program or not self._settings.careful or stays:
            return
        flags: Mapping[str, Mapping[str, Any] | None] = {}
        share: float = 0
        if kind_name == "holdout":
            share = self._kept_out[id_] = news.get(field, 0)
            there = inventory.all(KINDS["flag"]).items()
            held = {each: flag for each, flag in there if str(held_by(flag).get("id")) == id_}
            flags = {each: flag for each, flag in held.items() if each not in self._moved}
        elif news and known([news["flag"], news.get(field)]):  # else the run that makes them looks at this again
            share = self._share(news.get(field), inventory)
            flags = {str(news["flag"]): inventory.get(KINDS["flag"], str(news["flag"]))}
        kept = {each["key"]: excluded(held_by(each)) for each in flags.values() if each and each["active"]}
        more = {key: was for key, was in sorted(kept.items()) if was > share}
        codes = [withhold_code(key, was, share) for key, was in more.items()]
        if not self._settings.consents.issuperset(codes):
            raise Unsafe(
                f"a holdout keeps {' and '.join(f'{was:g} % of all out of {key}' for key, was in more.items())} in "
                f"PostHog, and would keep out {share:g} %; {keep.format(max(more.values()))} to leave that so; "
                f"{TO_CONSENT.format(' and '.join(codes))}"
            )
        if kind_name == "experiment":
            self._moved.update(flags)

    def _share(self, holdout: Any, inventory: Inventory) -> float:
        """Return the share that a holdout (its id) keeps out once this run has changed it."""
        if holdout is None:
            return 0
        live = inventory.get(KINDS["holdout"], str(holdout)) or {}
        return self._kept_out.get(str(holdout), written_share(live.get("filters")))

    def _check_holdout(self, olds: Properties, news: Properties) -> None:
        was, share = (excluded(each.get("holdout")) for each in (olds, news))
        code = withhold_code(news["key"], was, share)
        if olds.get("active", True) and share < was and code not in self._settings.consents:
            raise Unsafe(
                f"a holdout keeps {was:g} % of all out of it in PostHog, and would keep out {share:g} %; leave that to "
                f"PostHog with `unmanaged: [holdout]`; {TO_CONSENT.format(code)}"
            )

    def _check_step(self, olds: Properties, news: Properties, unchanged: bool) -> None:
        # With this consent a flag that is off comes back at once to the conditions that PostHog kept meanwhile.
        counts = olds.get("active", True) or on_code(news["key"]) in self._settings.consents
        steps: list[str] = []
        codes: dict[str, None] = {}
        # Also without an early exit, which an organisation may lack: of equal conditions the widest counts then.
        for sides in ((olds, news), [{**each, "early_exit": False} for each in (olds, news)]):
            # A condition that PostHog lacks is new in the file, and may start anywhere, or was changed by hand.
            live = already_served(*sides) if unchanged else rollout(sides[0])
            known = {EVERYBODY, *live}
            was = live if counts else {}
            for condition, served in rollout(sides[1]).items():
                for variant, share in served.items() if unchanged else [("", served[""])]:
                    start = was.get(condition, {}).get(variant, 0)
                    code = rollout_code(news["key"], start, share, variant)
                    if condition in known and share - start > ROLLOUT_STEP and code not in self._settings.consents:
                        of_whom = (f"variant {variant} in " if variant else "") + _called(condition, news)
                        steps.append(f"{of_whom} is at {start:g} % in PostHog and would grow to {share:g} %")
                        codes[code] = None
        if olds.get("early_exit") and counts:
            behind = {**filters(olds), **filters(news)}
            for start, share in sorted(freed(rollout(olds), rollout(news), bool(news.get("early_exit")), behind)):
                code = rollout_code(news["key"], start, share)
                if code not in self._settings.consents:
                    whom = "who matches several release conditions, and is stopped by an early exit,"
                    steps.append(f"{whom} is at {start:g} % in PostHog and would grow to {share:g} %")
                    codes[code] = None
        if steps:
            raise Unsafe(
                f"{', '.join(dict.fromkeys(steps))}, {ROLLOUT_STEP} points may be in one run; "
                + TO_CONSENT.format(" and ".join(codes))
            )

    def delete(
        self, kind_name: str, id_: str, olds: Mapping[str, Any], project: str, is_on: Callable[[], bool]
    ) -> None:
        """Judge a deletion; ``is_on`` looks up a flag whose switch is left to PostHog's pages. Raises ``Unsafe``."""
        if not self.program:
            self._check_destroy(project)
            return
        if (kind_name, id_) in self._replaced:
            return
        if kind_name == "flag" and removal_code(olds["key"]) not in self._settings.consents:
            self._check_off(olds, is_on)
        allowed = max(DELETES, consented_number("delete", self._settings.consents))
        with self._lock:
            deleted = self._deleted | {(KINDS[kind_name].collection, id_)}  # tiles have their dashboard's id
            if len(deleted) > allowed:
                reason = f"{len(self._deleted)} objects were deleted in this run, and no more may be; run again"
                raise self._unsafe(reason, "not deleted, as one too many")
            self._deleted = deleted

    def _check_off(self, olds: Mapping[str, Any], is_on: Callable[[], bool]) -> None:
        consent = TO_CONSENT.format(removal_code(olds["key"]))
        if olds.get("active"):
            raise Unsafe(
                f"the flag is on in PostHog; set `active: false`, apply that, and delete it afterwards; {consent}"
            )
        if "active" not in olds and is_on():
            raise Unsafe(f"the flag is on in PostHog; switch it off there, and delete it afterwards; {consent}")

    def _check_destroy(self, project: str) -> None:
        code = f"destroy/{project}"
        if not self._settings.disposable and code not in self._settings.consents:
            with self._lock:
                raise self._unsafe(
                    "nothing of a stack is destroyed without consent, unless it is disposable; "
                    f"{TO_CONSENT.format(code)}, apply that with `pulumi up`, and destroy it then",
                    f"not destroyed without the consent {code}",
                )

    def _unsafe(self, reason: str, shorter: str) -> Unsafe:
        # The engine continues with other resources and shows an error for each: only the first has the whole reason.
        shown = reason in self._shown
        self._shown.add(reason)
        return Unsafe(shorter if shown else reason)


def _called(condition: str, flag: Properties) -> str:
    """Return what a person calls the release condition of a flag that has this digest."""
    conditions = flag["release_conditions"]
    number, found = next((at, each) for at, each in enumerate(conditions, 1) if condition_digest(each) == condition)
    return f"release condition {number}" + (f" ({found['description']})" if found.get("description") else "")


def _written(value: str | bool) -> str:
    """Return a value as a file may have it, on one line."""
    plain = isinstance(value, str) and re.fullmatch(r"[\w:-]+", value)
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def _switches_on(kind_name: str, live: Properties, wanted: Properties) -> bool:
    return (
        kind_name == "flag"
        and live.get("active") is False
        and wanted.get("active", True) is not False
        and "active" not in wanted.get("unmanaged", ())
    )
