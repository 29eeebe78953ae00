"""Things by name that anybody can add to: signal families, scores, corruptions, architectures, data sets.

A registry knows three sorts of names, and an earlier one wins: what was registered, here or by the caller; what the
registry's own modules register as they are imported; and the entry points of installed packages. None of them is
imported before a name is asked for that is not known yet, or all are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast, overload

from reason.errors import ReasonError
from reason.suggestions import LONGEST, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by name, in the order they were registered.

    Args:
        kind: what error messages call one, such as ``corruption``.
        group: entry points group in which installed packages offer more, such as ``reason.corruptions``. An entry
            point's value is the thing itself, or a module that registers it.
        modules: dotted names of the modules that register what REASON brings along, in the order of the list.
        accepts: whether something is such a thing; by default everything is.
        error: what an unknown name raises.
    """

    def __init__(
        self,
        kind: str,
        *,
        group: str,
        modules: Sequence[str] = (),
        accepts: Callable[[object], bool] = lambda _: True,
        error: type[ReasonError] = ReasonError,
    ) -> None:
        self.kind, self.group = kind, group
        self._modules, self._accepts, self._error = tuple(modules), accepts, error
        self._items: dict[str, T] = {}
        self._loaded = False
        self._offers: dict[str, EntryPoint] | None = None

    @overload
    def register(self, item: T, *, name: str | None = None) -> T: ...

    @overload
    def register(self, *, name: str) -> Callable[[T], T]: ...

    def register(self, item: T | None = None, *, name: str | None = None) -> T | Callable[[T], T]:
        """Add a thing by its attribute ``name``, or by the name given here; a call, or a decorator.

        Returns:
            The thing itself, or a decorator where only a name is given.

        Raises:
            ReasonError: another thing of this name is registered, or the thing has no name.
        """
        if item is None:
            return lambda decorated: self.register(decorated, name=name)
        label = _label(item, name)
        if not label:
            raise self._error(f"{item!r} has no name; register it with name=... to use it as a {self.kind}.")
        self._check(label, item)
        if self._items.setdefault(label, item) is not item:
            raise self._error(f"{label}: there is a {self.kind} of this name already; choose another.")
        return item

    def load(self) -> None:
        """Import the registry's own modules now instead of when an unknown name is asked for.

        A package calls this at the end of its ``__init__``, unless its modules take long to import: whoever registers
        then comes later, finds the names of our own taken, and changes no order.
        """
        # No lock: importing is safe from several threads, and a thread that imports a module may register from it.
        if not self._loaded:
            for module in self._modules:
                import_module(module)
            self._loaded = True

    @contextmanager
    def temporarily(self, item: T, *, name: str | None = None) -> Iterator[T]:
        """Have a thing registered inside the block only, in the place of another of its name; for tests and trials."""
        self.load()
        before = self._items
        self._items = {label: known for label, known in before.items() if label != _label(item, name)}
        try:
            yield self.register(item, name=name)
        finally:
            self._items = before

    def __getitem__(self, name: str) -> T:
        """Return the thing of this name.

        Raises:
            ReasonError: there is none, or the package that offers it cannot be imported; of the registry's own type.
        """
        if name not in self._items:
            self.load()
        if name not in self._items and name in self._offered():
            self._accept(self._offered()[name])
        if name not in self._items:
            raise self._error(f"{name[:LONGEST]}: there is no such {self.kind}; {did_you_mean(name, self)}")
        return self._items[name]

    def resolve(self, text: str) -> T:
        """Return the thing of this name, or the one that ``package.module:Name`` points to.

        That imports the module: use it for what the person at the keyboard wrote, never for what a bundle says.

        Raises:
            ReasonError: there is no such name, or the module cannot be imported; of the registry's own type.
        """
        if ":" not in text:
            return self[text]
        module, _, attribute = text.partition(":")
        try:
            found: object = import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except Exception as error:  # whatever the module of somebody else raises as it is imported
            raise self._error(f"{text}: cannot be imported as a {self.kind} ({_said(error)}).") from error
        self._check(text, found)
        return cast(T, found)

    def adopt(self, text: str) -> str:
        """Return the name of what ``text`` names or points to, as ``resolve`` does; what it points to is registered.

        It is for names that are kept, such as those of a recipe in a bundle: a plain name imports nothing when it is
        read again.

        Raises:
            ReasonError: the module cannot be imported, or the thing has no name or that of another; of the registry's
                own type.
        """
        if ":" not in text:
            return text
        self.load()  # so that a name of our own is taken already
        found = self.resolve(text)
        for label, known in self._items.items():
            if known is found:
                return label
        self.register(found)
        return _label(found, None)

    def __contains__(self, name: object) -> bool:
        if name not in self._items:
            self.load()
        return name in self._items or name in self._offered()

    def __iter__(self) -> Iterator[str]:
        """Go through all names; what packages offer comes last, and is not imported for it."""
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def items(self) -> list[tuple[str, T]]:
        """Return names and things; what a package offers and cannot be imported is left out."""
        found = []
        for name in self:
            with suppress(self._error):
                found.append((name, self[name]))
        return found

    def values(self) -> list[T]:
        """Return the things of ``items``."""
        return [item for _, item in self.items()]

    def _names(self) -> list[str]:
        self.load()
        return list(dict.fromkeys([*self._items, *self._offered()]))

    def _offered(self) -> dict[str, EntryPoint]:
        if self._offers is None:
            self._offers = {offer.name: offer for offer in reversed(list(entry_points(group=self.group)))}
        return self._offers

    def _check(self, label: str, item: object) -> None:
        if not self._accepts(item):
            raise self._error(f"{label}: is a {type(item).__name__} and cannot be used as a {self.kind}.")

    def _accept(self, offer: EntryPoint) -> None:
        try:
            loaded = offer.load()
        except Exception as error:  # whatever the package of somebody else raises as it is imported
            package = f"the package {offer.dist.name}" if offer.dist else "a package"
            raise self._error(
                f"{offer.name}: {package} offers this {self.kind}, but it cannot be imported ({_said(error)})."
            ) from error
        if offer.name not in self._items:
            self.register(loaded, name=offer.name)


def _label(item: object, name: str | None) -> str:
    return name or str(getattr(item, "name", ""))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
