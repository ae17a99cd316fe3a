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
"""Beside the fields in a state: what PostHog took and does not keep, by field, with what it holds instead as JSON text.
The field then reads as it was applied for as long as PostHog holds that, so that it is no difference."""

OWN = "__own"
"""Beside the fields in a state: the ids of the parts of an object that are the definition's, where others add parts."""

APPLIED = "__applied"
"""Beside the fields in a state: what was applied last, as JSON text by field, where a refresh found another value. The
fields are then as PostHog holds them, and stay so where the run leaves the object as it is, or fails."""


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
    where PostHog accepts the field and drops it: its answer to the write then has the field, and only a read shows
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
    """The keys of a file that say it, where these are not its name."""
    path: tuple[str, ...] = ()
    """Its place in the API's object; left out, its name."""
    read_path: tuple[str, ...] = ()
    """The place it is read from, where that differs."""
    logged: str = ""
    """The activity log's name of its column, where that is another one."""
    default: Any = None
    """The canonical value when a file says nothing; None is an absent one."""
    clear: Json = None
    """The API's value that puts an absent default back."""
    normalise: Callable[[Any], Any] = plain
    """Maps every spelling of a value to one."""
    write: Callable[[Any, Directory], Json] = lambda value, _: value
    """Makes the API's value of the canonical one."""
    read: Callable[[Json, Reading], Any] = lambda value, _: value
    """Makes the canonical value of the API's."""
    carry: Callable[[Json, Json], Json] = lambda new, _: new
    """Puts the ids that PostHog gave to parts of the live value (second) into the one that replaces it (first)."""
    sent_with: Mapping[str, Json] = field(default_factory=dict)
    """Values that are sent whenever the field is."""
    again: Mapping[str, Json] = field(default_factory=dict)
    """Values that are sent with a change of the field. Where there are some, PostHog keeps the field of a new object
    and acts on it in a change only, so that one follows the creation."""
    ref: str = ""
    """The kind of definition whose key a file writes here: as the value, or as each item of a list."""
    ref_at: str = ""
    """The key of each item under which that key is, where the items are mappings."""
    tree: tuple[str, ...] = ()
    """The kinds of definition that a tree in this field may name."""
    reader: str = ""
    """What reads that tree (``ai_admin.definitions.trees``); left out, the kind's own form does."""
    copied: tuple[str, ...] = ()
    """The place in the live object of what PostHog copied the field from. Where no definition says the field, what
    equals it is the default, and clearing copies it again."""
    immutable: bool = False
    """A change makes a new object."""
    required: bool = False
    """Part of every create, even at its default."""
    always: bool = False
    """Part of every change, even one of other fields."""
    along: tuple[str, ...] = ()
    """The fields with a change of which it is sent as well: PostHog has added to it what only the old values allow, or
    clears it with them."""
    distinct: bool = False
    """PostHog refuses a second object of the kind with the same value."""
    clearable: bool = True
    """False where PostHog keeps no object without it, as of what is required and has no default; the schema then
    refuses a definition that leaves it out."""
    follows: bool = False
    """Changes when other definitions are applied too (a tile that goes takes its insight off the dashboard, and out of
    what its subscriptions send), so that this keeps nobody from deleting the object, nor, where it is not ``shared``,
    from changing it: it is written anew."""
    shared: bool = False
    """A set that people add to as well: what is theirs is not compared, and stays."""
    secret: bool = False
    """May hold secrets, so that its values are shown nowhere."""
    masked: Callable[[Any], bool] = lambda _: False
    """Returns whether a value as it is read stands for one that PostHog keeps encrypted: no state keeps that one,
    though it was applied in clear."""
    feature: Feature | None = None
    """The feature that an organisation needs for PostHog to keep it."""
    manageable: bool | None = None
    """May be left to PostHog's pages (``unmanaged``); unless it is said, what is clearable may."""
    start: Any = None
    """What a new object begins with where the field is left to PostHog's pages and PostHog makes none without."""
    shown: bool = False
    """Part of the canonical form even at its default."""
    kept: bool = True
    """False for a field that is sent with every write and that PostHog does not store: it reads as it was sent last."""
    wording: Wording = field(default_factory=Wording)
    """How a reviewer reads it."""
    worded: Callable[[Mapping[str, Any]], Wording] | None = None
    """Makes the wording of an object's canonical properties, where it depends on other fields than this one."""
    item: Callable[[Mapping[str, Any]], str] | None = None
    """Names an item of a list after what makes it that item, so that the engine compares it with itself wherever it
    is."""

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
    """The fields that identify an object which is not in state."""
    pages: tuple[str, ...] = ()
    """The path of an object's page in a project, with the names of values in it: the first one whose values an object
    has (PostHog's frontend/src/scenes/urls.ts, products/*/manifest.tsx)."""
    logged_as: str = ""
    """The activity log's name of it, where that is not its type."""
    logged_type: str = ""
    """The type that the log gives its entries, where their name is that of another kind's too."""
    logged_parts: Mapping[str, str] = field(default_factory=dict)
    """The columns that PostHog keeps in objects of their own, by the type that the log gives entries about these."""
    narrowed: Mapping[str, str] = field(default_factory=dict)
    """What no definition owns and decides whom an object reaches: by its name in PostHog's answers, what it says."""
    logged_by_maker: bool = False
    """Whether the activity log names who made an object in the place of who changed it."""
    folder: str = ""
    """The folder of its files; empty for what only other kinds' files make."""
    homes: tuple[str, ...] = ()
    """The other kinds of file that make definitions of this kind."""
    derive: Callable[[Properties], Properties] = lambda _: {}
    """Returns the fields that follow from what a file says."""
    unique: bool = False
    """PostHog lets no two objects have the same natural key, and it is what the object is called everywhere, so that
    it is the definition's whoever made it. A name is not that, even where PostHog lets it stand once."""
    same_by: tuple[str, ...] = ()
    """The fields that tell, all of them equal, that a definition under another key is the same object, which would lose
    something if it were deleted and made anew (who opted in, results, what others refer to)."""
    id_name: str = "id"
    """What the API calls an object's id, by which it is asked for."""
    numeric_id: bool = True
    """False for kinds whose id is a UUID."""
    soft_delete: bool = True
    """DELETE answers 405, and a PATCH of ``deleted`` deletes."""
    listed: bool = True
    """False where list items lack fields on every server, so that no list is read for them."""
    lists: Sequence[Mapping[str, str]] = ({},)
    """The query parameters of the lists that together hold all objects."""
    unlisted_fails: bool = False
    """A GET of an object which is gone answers 500 and not 404: what no list has is gone."""
    constants: Mapping[str, Json] = field(default_factory=dict)
    """Sent with every create."""
    whole: tuple[str, ...] = ()
    """The columns of several fields that a PATCH has to send whole: some servers merge what is sent into the column,
    others put it in its place."""
    with_whole: tuple[str, ...] = ()
    """What is sent as it is with a change of such a column, where the object has it: it says how PostHog keeps that."""
    needs: tuple[str, ...] = ()
    """The scopes of the look-ups that its fields make, and those of what PostHog changes along with it."""
    after: Mapping[str, str] = field(default_factory=dict)
    """By a field, the kind of the same key that has to be there as well as what the field refers to."""
    secrets: Callable[[Properties], Iterator[dict[str, str]]] = lambda _: iter(())
    """Yields the ``{"env": NAME}`` objects in canonical properties."""
    options: Mapping[str, Wording] = field(default_factory=dict)
    """What a definition says of how it is applied, of which PostHog knows nothing, with its words; so is
    ``unmanaged``."""
    weight: int = VIEW
    """How much depends on its fields: see ``kinds.wording``."""
    lifecycle: str = "collection"
    """How objects come and go, where that is not create, change and delete in a collection."""
    left: Mapping[str, str] = field(default_factory=dict)
    """The writable fields of the API's object that no definition owns, each with the reason: nothing is compared
    there, so that a field which is in neither table is a mistake."""

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
