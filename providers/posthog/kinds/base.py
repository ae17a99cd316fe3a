"""What a PostHog kind is: one table of fields, from which payload, comparison, drift and wording follow.

Three forms of a value meet here:

- the *canonical* value: what definitions hand over and Pulumi keeps in its state. A field that is at its default is
  absent, which halves what the engine carries, but for the few that a reviewer wants to see in any case. ``None``
  never appears, because Pulumi's wire drops nulls inside objects;
- the *API* value: what PostHog takes and gives, under the field's path in the object;
- a *reference*: a :class:`Ref` (offline), a Pulumi output (in the program) or an unknown (in a preview). Normalisation
  leaves all three as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Protocol

from providers.posthog.kinds.normal import json_text, plain
from providers.posthog.kinds.wording import TEXT, VIEW, Wording

Json = Any
Properties = dict[str, Any]

UNKEPT = "__unkept"
"""Beside the fields in a state: by field, what PostHog holds instead of a value that it did not store, as JSON text. As
long as PostHog holds that, the field reads as it was applied, so it is no difference."""

OWN = "__own"
"""Beside the fields in a state: the ids of the parts of an object that are the definition's, if others add parts."""

APPLIED = "__applied"
"""Beside the fields in a state: by field, what was applied last, as JSON text, if a refresh found another value. The
state then has PostHog's value, also after a run that leaves the object as it is, or fails."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference by key to another definition; the program replaces it by that resource's PostHog id."""

    kind: str
    key: str

    def __str__(self) -> str:
        """Return the name of its resource in Pulumi, ``kind/key``."""
        return f"{self.kind}/{self.key}"

    @classmethod
    def parse(cls, name: str) -> Ref:
        """Return the reference for a resource's name in Pulumi."""
        kind, _, key = name.partition("/")
        return cls(kind, key)


class Definition(Protocol):
    """A definition as the provider and the safety gates see it: see ``ai_admin.definitions``."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def properties(self) -> dict[str, Any]: ...
    @property
    def source(self) -> object: ...
    @property
    def adopt(self) -> str | None: ...
    @property
    def renamed_from(self) -> str | None: ...


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping inside a value, itself included."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(item)


def refs(value: Any) -> Iterator[Ref]:
    """Yield the references in a value, however deep they are."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from refs(item)


class Directory(Protocol):
    """Looks up what definitions and PostHog name differently, and secrets that only the environment holds."""

    def user_id(self, email: str) -> int:
        """Return the id of the organisation member with this e-mail address."""
        ...

    def user_email(self, user_id: int) -> str:
        """Return a member's e-mail address, or ``user <id>`` when the organisation has no such member."""
        ...

    def integration_id(self, kind: str, name: str) -> int:
        """Return the id of the project's integration of this kind (``slack``) with this display name."""
        ...

    def integration_name(self, kind: str, integration_id: int) -> str:
        """Return the display name of an integration, or ``#<id>`` when the project has none with this id."""
        ...

    def flag_key(self, flag_id: int) -> str:
        """Return the key of the flag with this id, for what PostHog links to flags by key."""
        ...

    def secret(self, variable: str) -> str:
        """Return the value of an environment variable that holds a secret."""
        ...


@dataclass(frozen=True)
class Reading:
    """What surrounds a value that is read: the whole live object, what was known before, and the look-ups."""

    live: Mapping[str, Json]
    known: Mapping[str, Any]
    directory: Directory


def read_id(raw: Json, _: Reading) -> Any:
    """Return the id of what the API gives whole where it takes an id."""
    return raw.get("id") if isinstance(raw, dict) else raw


def _at(live: Mapping[str, Json], path: tuple[str, ...]) -> Json:
    """Return what is at a place in a live object; None where there is none."""
    raw: Json = live
    for step in path:
        raw = raw.get(step) if isinstance(raw, Mapping) else None
    return raw


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature that an organisation may lack, without which PostHog does not keep a field."""

    needs: str
    """The feature, in words."""
    refusal: str = ""
    """A part of the message with which PostHog refuses the field; the other fields are then written without it. Empty
    if PostHog accepts the field and drops it: the answer to the write then has the field, and only a later read shows
    that it was dropped."""

    def is_refused(self, message: str) -> bool:
        """Return whether a message of PostHog's refuses the field."""
        return bool(self.refusal) and self.refusal in message


@dataclass(frozen=True)
class Field:
    """One field of a kind; every fact about it is here and nowhere else."""

    name: str
    """Its name in canonical properties and in state."""
    written: tuple[str, ...] = ()
    """The keys in a file that set the field, if they differ from its name."""
    path: tuple[str, ...] = ()
    """Its place in the API's object; left out, its name."""
    read_path: tuple[str, ...] = ()
    """The place it is read from, if that differs."""
    logged: str = ""
    """The activity log's name of its column, if that differs."""
    default: Any = None
    """The canonical value if a file does not set the field; None: no value."""
    clear: Json = None
    """The API's value that restores an absent default."""
    normalise: Callable[[Any], Any] = plain
    """Maps every spelling of a value to one."""
    write: Callable[[Any, Directory], Json] = lambda value, _: value
    """Makes the API's value of the canonical one."""
    read: Callable[[Json, Reading], Any] = lambda value, _: value
    """Makes the canonical value of the API's."""
    carry: Callable[[Json, Json], Json] = lambda new, _: new
    """Copies the ids that PostHog gave to parts of the live value (second) into the new value (first)."""
    sent_with: Mapping[str, Json] = field(default_factory=dict)
    """Values that are sent together with the field."""
    again: Mapping[str, Json] = field(default_factory=dict)
    """Values that are sent with a change of the field. If there are some, PostHog stores the field of a new object, but
    applies it only in a change, so a change follows the creation."""
    ref: str = ""
    """The kind of definition whose key a file writes here: as the value, or as each item of a list."""
    ref_at: str = ""
    """The key of each item that holds that key, if the items are mappings."""
    tree: tuple[str, ...] = ()
    """The kinds of definition that a tree in this field may refer to."""
    reader: str = ""
    """What reads that tree (``ai_admin.definitions.trees``); left out, the kind's own form does."""
    copied: tuple[str, ...] = ()
    """The place in the live object from which PostHog copied the field. If no definition sets the field, the value
    there is the default, and clearing copies it again."""
    immutable: bool = False
    """A change makes a new object."""
    required: bool = False
    """Part of every create, even at its default."""
    always: bool = False
    """Part of every change, even one of other fields."""
    along: tuple[str, ...] = ()
    """Other fields: a change of one of them also sends this field, because PostHog added to it what only their old
    values allow, or clears it with them."""
    distinct: bool = False
    """PostHog refuses a second object of the kind with the same value."""
    clearable: bool = True
    """False if PostHog keeps no object without the field, as for a required field without a default; the schema then
    requires it."""
    follows: bool = False
    """Also changes when other definitions are applied (a removed tile takes its insight off the dashboard, and out of
    its subscriptions). So a change of it is no conflict for a deletion, nor, if it is not ``shared``, for a change: it
    is written again."""
    shared: bool = False
    """A set that people may add to: their items are not compared, and stay."""
    secret: bool = False
    """May hold secrets, so that its values are shown nowhere."""
    masked: Callable[[Any], bool] = lambda _: False
    """Returns whether a value as it is read stands for one that PostHog keeps encrypted: no state keeps that one,
    though it was applied in clear."""
    feature: Feature | None = None
    """The feature that an organisation needs for PostHog to keep it."""
    manageable: bool | None = None
    """Whether it may be left to PostHog's pages (``unmanaged``); by default a clearable field may."""
    start: Any = None
    """The value of a new object if the field is left to PostHog's pages and PostHog creates no object without it."""
    shown: bool = False
    """Part of the canonical form even at its default."""
    kept: bool = True
    """False for a field that is sent with every write and that PostHog does not store: it reads as it was sent last."""
    wording: Wording = field(default_factory=Wording)
    """How it is worded for a reviewer."""
    worded: Callable[[Mapping[str, Any]], Wording] | None = None
    """Returns the wording for an object's canonical properties, if that depends on other fields."""
    item: Callable[[Mapping[str, Any]], str] | None = None
    """Returns the name that identifies an item of a list, so that the engine compares the item with itself at any
    position."""

    def __post_init__(self) -> None:
        if self.required and self.default is None:
            object.__setattr__(self, "clearable", False)
        if self.manageable is None:
            object.__setattr__(self, "manageable", self.clearable)

    @property
    def refers_to(self) -> tuple[str, ...]:
        """The kinds of definition that the field may name."""
        return (self.ref,) if self.ref else self.tree

    def canonical(self, value: Any) -> Any:
        """Return the canonical value: normalised, and None for null and for a default that is not ``shown``."""
        value = self.normalise(value) if value is not None else None
        if self.shown:
            return self.default if value is None else value
        return None if value == self.default else value

    def from_live(self, reading: Reading) -> Any:
        """Return the canonical value that the live object holds."""
        if not self.kept:
            return self.canonical(reading.known.get(self.name))
        value = self.canonical(self._ours(self.read(self._raw(reading.live), reading), reading.known))
        if not self.copied or self.name in reading.known:
            return value
        unserved = reading.live.get(self.copied[0]) is None  # what it would be copied from is not served
        return None if unserved or value == self.canonical(_at(reading.live, self.copied)) else value

    def held(self, reading: Reading) -> Any:
        """Return the canonical value of all that the live object has there, whoever put it there."""
        return self.canonical(self.read(self._raw(reading.live), reading))

    def _ours(self, items: Any, known: Mapping[str, Any]) -> Any:
        """Return what a set that is shared has of the definition's, which is what was applied of it."""
        return [item for item in items or () if item in (known.get(self.name) or ())] if self.shared else items

    def to_api(
        self,
        value: Any,
        directory: Directory,
        live: Mapping[str, Json] | None = None,
        before: Mapping[str, Any] | None = None,
    ) -> Json:
        """Return what the API takes for a canonical value; an absent one is the default, or the field's ``clear``.

        ``live`` is the object that is changed, None for a new one, and ``before`` its canonical form.
        """
        if value is None and self.copied and live is not None:
            return _at(live, self.copied)
        value = self.default if value is None else value
        if self.shared and live is not None:
            all_there = self.read(self._raw(live), Reading(live, {}, directory))
            ours = [*((before or {}).get(self.name) or ()), *value]
            value = [*value, *(item for item in all_there if item not in ours)]
        written = self.clear if value is None else self.write(value, directory)
        return written if live is None else self.carry(written, self._raw(live))

    def _raw(self, live: Mapping[str, Json]) -> Json:
        return _at(live, self.read_path or self.api_path)

    def served(self, live: Mapping[str, Json]) -> bool:
        """Return whether an object that PostHog answered has a place for this field."""
        return not self.kept or self.column in live

    @property
    def column(self) -> str:
        """The column of the API's object that it is read from."""
        return (self.read_path or self.api_path)[0]

    @property
    def log_column(self) -> str:
        """What PostHog's activity log calls that column."""
        return self.logged or self.column

    @property
    def api_path(self) -> tuple[str, ...]:
        """The field's place in a request body."""
        return self.path or (self.name,)


def _names(page: str) -> set[str]:
    """Return the names of the values in a page's path."""
    return {name for _, name, _, _ in Formatter().parse(page) if name}


@dataclass(frozen=True)
class Kind:
    """A PostHog kind."""

    name: str
    """The first half of the Pulumi name (``flag/ai-model-version``), and the name of its schema."""
    type: str
    """The Pulumi type (``posthog:FeatureFlag``)."""
    collection: str
    """The API's path below the project."""
    scope: str
    """The object of its API key scope."""
    fields: tuple[Field, ...]
    natural_key: tuple[str, ...]
    """The fields that identify an object which is not in the state."""
    pages: tuple[str, ...] = ()
    """The path of an object's page in a project, with the names of values in it: the first one whose values an object
    has (PostHog's frontend/src/scenes/urls.ts, products/*/manifest.tsx)."""
    logged_as: str = ""
    """The activity log's name of the kind, if that is not its type."""
    logged_type: str = ""
    """The type in the log's entries, if another kind has the same name there."""
    logged_parts: Mapping[str, str] = field(default_factory=dict)
    """The columns that PostHog keeps in objects of their own, by the type of their entries in the log."""
    narrowed: Mapping[str, str] = field(default_factory=dict)
    """What limits whom an object reaches and no definition owns: by its name in PostHog's answers, in words."""
    logged_by_maker: bool = False
    """Whether the activity log names the creator of an object instead of who changed it."""
    folder: str = ""
    """The folder of its files; empty for a kind that only other kinds' files define."""
    homes: tuple[str, ...] = ()
    """The other kinds of file that define objects of this kind."""
    derive: Callable[[Properties], Properties] = lambda _: {}
    """Returns the fields that are computed from those of a file."""
    unique: bool = False
    """PostHog lets no two objects have the same natural key, and everything refers to the object by it, so an object
    with the key is the definition's, whoever created it. A name is no such key, even if PostHog allows it only once."""
    same_by: tuple[str, ...] = ()
    """If all these fields are equal, a definition under another key is the same object, which would lose something if
    it were deleted and created again (who opted in, results, what others refer to)."""
    id_name: str = "id"
    """The API's name of the id by which an object is requested."""
    numeric_id: bool = True
    """False for kinds whose id is a UUID."""
    soft_delete: bool = True
    """DELETE answers 405, and a PATCH of ``deleted`` deletes."""
    listed: bool = True
    """False if list items lack fields on every server, so no list is read for them."""
    lists: Sequence[Mapping[str, str]] = ({},)
    """The query parameters of the lists that together hold all objects."""
    unlisted_fails: bool = False
    """A GET of a deleted object answers 500 instead of 404: an object that is in no list counts as deleted."""
    constants: Mapping[str, Json] = field(default_factory=dict)
    """Sent with every create."""
    whole: tuple[str, ...] = ()
    """The columns of several fields that a PATCH has to send whole: some servers merge the value into the stored one,
    others replace it."""
    with_whole: tuple[str, ...] = ()
    """Sent unchanged with a change of such a column, if the object has it: it says how PostHog stores the column."""
    needs: tuple[str, ...] = ()
    """The scopes for the look-ups of its fields, and for what PostHog changes together with it."""
    after: Mapping[str, str] = field(default_factory=dict)
    """By field, a kind of which an object with the same key must exist, besides the object that the field refers to."""
    secrets: Callable[[Properties], Iterator[dict[str, str]]] = lambda _: iter(())
    """Yields the ``{"env": NAME}`` objects in canonical properties."""
    options: Mapping[str, Wording] = field(default_factory=dict)
    """What a definition says about how it is applied, with its wording; PostHog does not know it. So is ``unmanaged``.
    """
    weight: int = VIEW
    """How much depends on its fields: see ``kinds.wording``."""
    lifecycle: str = "collection"
    """How objects are created, changed and deleted, if not by create, change and delete in a collection."""
    left: Mapping[str, str] = field(default_factory=dict)
    """The writable fields of the API's object that no definition owns, each with the reason. They are not compared, so
    a field that is in neither table is a mistake."""

    @property
    def log_scope(self) -> str:
        """The activity log's name of it."""
        return self.logged_as or self.type

    @property
    def words(self) -> str:
        """The name as sentences have it."""
        return self.name.replace("_", " ")

    def page_of(self, live: Mapping[str, Json]) -> str:
        """Return the path of an object's page in a project; empty where there is none."""
        said = {name: value for name, value in live.items() if value is not None}
        return next((page.format_map(said) for page in self.pages if _names(page) <= said.keys()), "")

    def weighs(self, field: Field) -> int:
        """Return how much depends on a field."""
        if field.wording.weight is not None:
            return field.wording.weight
        return TEXT if field.name in ("name", "description", "tags") else self.weight

    @property
    def refers_to(self) -> tuple[str, ...]:
        """The kinds of definition that its fields may name, each once."""
        return tuple(dict.fromkeys(kind for each in self.fields for kind in each.refers_to))

    def canonical(self, properties: Mapping[str, Any]) -> Properties:
        """Return the canonical form of properties given in part.

        Fields that ``properties["unmanaged"]`` names are left out, and so are unknown names. The result is equal for
        every spelling of the same definition, and ``canonical(canonical(x)) == canonical(x)``.
        """
        unmanaged = sorted(properties.get("unmanaged") or ())
        owned = (each for each in self.fields if each.name not in unmanaged)
        values = {each.name: each.canonical(properties.get(each.name)) for each in owned}
        return self._finish(values, unmanaged, properties, properties.get(UNKEPT) or {})

    def first(self, properties: Mapping[str, Any]) -> list[Ref]:
        """Return what must exist before an object with these properties, in addition to what they refer to."""
        return [Ref(kind, properties[name].key) for name, kind in self.after.items() if name in properties]

    def project(self, live: Mapping[str, Json], known: Mapping[str, Any], directory: Directory) -> Properties:
        """Return the canonical form of a live object.

        ``known`` is what was applied last: it says which fields are left to PostHog's pages, tells values that
        PostHog does not give back (secrets) from changes, and names what PostHog did not keep (:data:`UNKEPT`).
        """
        unmanaged = sorted(known.get("unmanaged") or ())
        reading = Reading(live, known, directory)
        values = {each.name: each.from_live(reading) for each in self.fields if each.name not in unmanaged}
        unkept: Mapping[str, str] = known.get(UNKEPT) or {}
        still = {name: held for name, held in unkept.items() if name in values and json_text(values[name]) == held}
        values.update({name: known.get(name) for name in still})
        return self._finish(values, unmanaged, known, still)

    def _finish(
        self, values: Properties, unmanaged: list[str], known: Mapping[str, Any], unkept: Mapping[str, str]
    ) -> Properties:
        owned = {name: value for name, value in values.items() if value is not None}
        options = {name: known.get(name) for name in self.options}
        options |= {"unmanaged": unmanaged, UNKEPT: dict(unkept), OWN: plain(known.get(OWN))}
        return {**owned, **{name: item for name, item in options.items() if item}}
