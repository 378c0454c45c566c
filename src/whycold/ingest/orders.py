"""Orders to whoever writes the store: files in a folder, which outlive every process.

While ``serve`` runs, its recorder alone writes the store. Who wants something written (an import, a
deletion, traces that came over HTTP) gives an order; ``ingest.desk`` carries it out and tells how
far it is.

In the folder stands, by the number of an order: ``N.order``, a line of JSON and the payload, until
it is done; ``N.told``, how far it is and what became of it, until the asker has taken it;
``N.tried``, how many processes have begun it. All are written beside and renamed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from whycold.core.content import Json, JsonMap
from whycold.errors import UserError

__all__ = ["MOST_BYTES", "Full", "Order", "Orders", "Told"]

MOST_BYTES: Final = 256 << 20
"""Bytes of all orders that may wait, payloads and all."""
_MOST_ORDERS: Final = 1000
_MOST_TOLD: Final = 200
"""Outcomes that nobody took; the oldest go."""
_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_DIGITS: Final = 12
_ORDER, _TOLD, _TRIED, _NEW = ".order", ".told", ".tried", ".new"


class Full(UserError):
    """Too much waits already; the same order can be given again later."""


class Told(msgspec.Struct, frozen=True):
    """How far an order is. ``outcome`` is there once it is done, ``error`` when it cannot be done:
    one line for a person. What ``progress`` and ``outcome`` hold is between the two sides.
    """

    progress: dict[str, Any] = {}
    outcome: dict[str, Any] | None = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.outcome is not None or self.error is not None


class _Head(msgspec.Struct, frozen=True):
    kind: str
    what: dict[str, Any]
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """Something to be done: its ``kind``, by which it is carried out, and ``what`` exactly.

    ``quiet``: nobody waits for the outcome. ``id`` grows with the order of giving.
    """

    id: str
    kind: str
    what: JsonMap
    quiet: bool
    path: Path
    start: int

    def payload(self) -> bytes:
        """What was given along; UserError when it is gone."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                return file.read()
        except OSError as fault:
            raise UserError(f"order {self.id} cannot be read: {fault.strerror}") from fault


class Orders:
    """The folder of orders, from either side. Askers ``give``, ask what is ``told`` and ``take``
    away; the writer's side is for ``ingest.desk``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def give(
        self, kind: str, what: dict[str, Json], payload: bytes = b"", *, quiet: bool = False
    ) -> str:
        """Leave an order; its id. On disk for good when this returns.

        ``Full`` when too much waits; UserError when the folder cannot be written.
        """
        head = msgspec.json.encode(_Head(kind, what, quiet))
        try:
            self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            self._make_sure_of_room(len(head) + 1 + len(payload))
            id = f"{self._next():0{_DIGITS}d}-{secrets.token_hex(4)}"
            self._put(f"{id}{_ORDER}", head + b"\n" + payload, sync=True)
        except OSError as fault:
            raise UserError(f"cannot write into {self._folder}: {fault.strerror}") from fault
        return id

    def told(self, id: str) -> Told | None:
        """How far an order is; None while it has not begun."""
        try:
            return msgspec.json.decode((self._folder / f"{id}{_TOLD}").read_bytes(), type=Told)
        except (OSError, msgspec.MsgspecError):
            return None

    def take(self, id: str) -> None:
        """Take an order away: what has not begun will not, what has begun ends at its next step."""
        for suffix in (_ORDER, _TOLD, _TRIED):
            with contextlib.suppress(OSError):
                (self._folder / f"{id}{suffix}").unlink()

    def first(self) -> Order | None:
        """The oldest order; one that cannot be understood is told so, and removed."""
        for name in self._names(_ORDER):
            id = name.removesuffix(_ORDER)
            path = self._folder / name
            try:
                with path.open("rb") as file:
                    line = file.readline()
                head = msgspec.json.decode(line, type=_Head)
            except OSError:
                # taken away just now
                continue
            except msgspec.MsgspecError:
                self.end(id, Told(error="the order cannot be understood"))
                continue
            return Order(id, head.kind, head.what, head.quiet, path, len(line))
        return None

    def waits(self, order: Order) -> bool:
        """Whether the order is still wanted."""
        return order.path.exists()

    def tried(self, order: Order) -> int:
        """How many processes had begun the order; one more from now on. Raises OSError."""
        name = f"{order.id}{_TRIED}"
        try:
            before = int((self._folder / name).read_bytes())
        except (OSError, ValueError):
            before = 0
        self._put(name, b"%d" % (before + 1), sync=True)
        return before

    def spared(self, order: Order) -> None:
        """The process that began the order let go of it and is well."""
        with contextlib.suppress(OSError):
            (self._folder / f"{order.id}{_TRIED}").unlink()

    def tell(self, order: Order, progress: dict[str, Any]) -> None:
        """Say how far an order is. Raises OSError."""
        self._put(f"{order.id}{_TOLD}", msgspec.json.encode(Told(progress)), sync=False)

    def end(self, id: str, told: Told, *, quiet: bool = False) -> None:
        """Say what became of an order, then remove it."""
        if not quiet:
            with contextlib.suppress(OSError):
                self._put(f"{id}{_TOLD}", msgspec.json.encode(told), sync=True)
        for suffix in (_ORDER, _TRIED):
            with contextlib.suppress(OSError):
                (self._folder / f"{id}{suffix}").unlink()
        for name in self._names(_TOLD)[:-_MOST_TOLD]:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()

    def tidy(self) -> None:
        """Remove what processes that died have left. For the writer's side, when it starts."""
        waiting = {name.removesuffix(_ORDER) for name in self._names(_ORDER)}
        for name in self._names(_TRIED):
            if name.removesuffix(_TRIED) not in waiting:
                with contextlib.suppress(OSError):
                    (self._folder / name).unlink()

    def _make_sure_of_room(self, size: int) -> None:
        count = held = 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith((_ORDER, _NEW)):
                    count += 1
                    with contextlib.suppress(FileNotFoundError):
                        held += entry.stat().st_size
        if count >= _MOST_ORDERS or held + size > MOST_BYTES:
            raise Full("whycold serve is busy with what it was given before; try again later")

    def _next(self) -> int:
        numbers = (name.partition("-")[0] for name in self._names(_ORDER, _TOLD))
        return 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)

    def _names(self, *suffixes: str) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self._folder) if name.endswith(suffixes))
        except OSError:
            return []

    def _put(self, name: str, data: bytes, *, sync: bool) -> None:
        """Write a file whole, or not at all."""
        draft = self._folder / f"{name}.{secrets.token_hex(4)}{_NEW}"
        try:
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
            with os.fdopen(number, "wb") as file:
                file.write(data)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            draft.replace(self._folder / name)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()
        if sync:
            self._sync_folder()

    def _sync_folder(self) -> None:
        number = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
