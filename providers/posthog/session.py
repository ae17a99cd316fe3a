"""The session of a provider process: one connection and one inventory for all provider objects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from providers.posthog.adoption import adopts
from providers.posthog.approvals import Approvals
from providers.posthog.client import Client
from providers.posthog.connection import Connection, resolve
from providers.posthog.errors import ConnectionProblem, KeyRefused, Refused, Unreachable, UnreadableState
from providers.posthog.guard import Guard
from providers.posthog.history import History, SwitchHistory
from providers.posthog.inputs import Metadata
from providers.posthog.inventory import Inventory, PostHogDirectory
from providers.posthog.kinds import KINDS, Kind
from providers.posthog.lifecycle import LIFECYCLES, Lifecycle, Services
from providers.posthog.limits import Clock
from providers.posthog.preflight import first_look
from providers.posthog.reviewed import Reviewed
from providers.posthog.settings import Settings
from providers.posthog.stackfile import StackFile

BY_THE_PROGRAM = 4
"""How many requests the program makes in most runs before the first of these: they count by the same limits."""


class Session:
    """Connects at the first need; safe for several threads."""

    def __init__(
        self,
        warn: Callable[[str], None],
        clock: Clock | None = None,
        before_write: Callable[[], None] = lambda: None,
        waiting: Callable[[str], object] | None = None,
        stack_file: Callable[[], StackFile | None] = lambda: None,
    ) -> None:
        """``warn`` shows the engine's user a message; ``clock`` is another one in tests; ``before_write`` is called
        before each write; ``waiting`` shows that the limits make the user wait (None: as a message); ``stack_file``
        returns the stack's file, which is asked where no program runs: the settings may be older than that.
        """
        self._clock = clock or Clock()
        self.guard = Guard()
        self.reviewed = Reviewed()
        self._lock = threading.Lock()
        self._settings = Settings({}, {})
        self._connection: Connection | None = None
        self._problem: Unreachable | None = None
        self._lifecycles: dict[str, Lifecycle] = {}
        self._inventory: Inventory
        self._directory: PostHogDirectory
        self.approvals: Approvals
        self.history: History
        self.switch_history: SwitchHistory
        self._adopted: dict[str, str] = {}
        self._holders: dict[tuple[str, str], str] = {}
        self._shown: set[str] = set()
        self._warn = warn
        self._before_write = before_write
        self._waiting = waiting or warn
        self._stack_file = stack_file

    def configure(self, settings: Settings) -> None:
        """Take the stack's settings."""
        with self._lock:
            self._settings = settings
        self.guard.configure(settings)
        self.reviewed = _reviewed(settings.reviewed_plan)

    def lifecycle(
        self, kind_name: str, lists: bool = False, host: str = "", project_id: str = ""
    ) -> tuple[Lifecycle, Connection]:
        """Return a kind's lifecycle and the project it works in. ``lists``: the caller needs the kind's list.

        ``host`` and ``project_id`` are where an object of the state lives, which has to be there; empty where it says
        nothing. What is older than the host in a state lives where the last `pulumi up` was.

        Connects at the first call. A problem of the first call is raised by every later call, so that a run does
        not wait for a host that does not answer once per resource. Raises ``Unreachable``.
        """
        place = host or (project_id and self._settings.stack.get("host")) or "", project_id
        with self._lock:
            if self._problem:
                raise self._problem
            if self._connection is None:
                try:
                    self._connection = self._connect(KINDS[kind_name], lists, place)
                except ConnectionProblem as problem:
                    self._problem = Unreachable(str(problem))
                    raise self._problem from None
            _check(self._connection, place)
            return self._lifecycles[kind_name], self._connection

    @property
    def inventory(self) -> Inventory:
        """What PostHog holds. Raises ``Unreachable``."""
        self.lifecycle("flag")
        return self._inventory

    @property
    def directory(self) -> PostHogDirectory:
        """Who and what PostHog knows by another name. Raises ``Unreachable``."""
        self.lifecycle("flag")
        return self._directory

    def _connect(self, kind: Kind, lists: bool, place: tuple[str, str]) -> Connection:
        # The program has this run's settings, maybe of another file (`--config-file`).
        file = None if self.guard.program else self._stack_file()
        settings = file.connecting(self._settings) if file else self._settings
        try:
            return self._connected(settings, kind, lists, place)
        except KeyRefused as problem:
            try:
                key = file.newer_key(settings) if file else None
            except UnreadableState as unreadable:
                raise KeyRefused(f"{problem}; {unreadable}") from None
            if file is None or key is None:
                raise
            newer = Settings({**settings.stack, "api_key": key}, settings.environ)
            connection = self._connected(newer, kind, lists, place)
            self._warn(f"PostHog does not accept the API key of the last up any more; the one in {file.name} is used")
            return connection

    def _connected(self, settings: Settings, kind: Kind, lists: bool, place: tuple[str, str]) -> Connection:
        connection = resolve(settings)
        _check(connection, place)  # before it is asked anything: what a stranger answers would only mislead
        client = Client(connection, self._before_write, self._waiting, self._clock, made=BY_THE_PROGRAM)
        inventory = self._inventory = Inventory(client, self._holders)
        if lists and kind.listed:
            first_look(client, kind, lambda: inventory.all(kind))
        else:
            first_look(client, kind, lambda: client.get(client.project_path(kind.collection), {"limit": "1"}))
        self.history = History(client)
        self.approvals = Approvals(client, self._settings.ask_again)
        self._directory = PostHogDirectory(client)
        services = Services(
            inventory,
            self._directory,
            self.approvals,
            self.history,
            self.warn,
            adoption_allowed=self._settings.may_adopt,
            adopted=self._adopted,
        )
        self.switch_history = SwitchHistory(inventory, self.history)
        self._lifecycles = {kind.name: LIFECYCLES[kind.lifecycle](kind, services) for kind in KINDS.values()}
        return connection

    def claim(self, kind_name: str, id_: str, name: str) -> None:
        """Remember that a resource of the state (Pulumi name) has this object, so that no other adopts it."""
        self._holders.setdefault((KINDS[kind_name].collection, id_), name)

    def adopts(self, kind_name: str, id_: str) -> bool:
        """Return whether a definition that is new to the state adopts the object of a kind with this id."""
        return adopts(self._adopted, kind_name, id_)

    def warn(self, meta: Metadata, message: str) -> None:
        """Show the engine's user a message about a definition, once in this process."""
        if self.is_new(f"{meta.name} {message}"):
            self._warn(meta.line(message))

    def is_new(self, message: str) -> bool:
        """Record a message, and return whether this process has not shown it yet."""
        with self._lock:
            shown = message in self._shown
            self._shown.add(message)
            return not shown


def _check(connection: Connection, place: tuple[str, str]) -> None:
    if problem := connection.misses(*place):
        raise Unreachable(problem)


def _reviewed(path: str | None) -> Reviewed:
    if path is None:
        return Reviewed()
    try:
        return Reviewed(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise Refused(f"the reviewed plan {path} can't be read: {problem}") from None
