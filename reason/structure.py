"""Dataclasses from parsed TOML or JSON, checked key by key, and back."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from reprlib import repr as short_repr
from typing import Any, Literal, TypeVar

from reason.errors import SettingsError
from reason.suggestions import LONGEST, did_you_mean

FORMER = "former"
"""Key of a field's metadata: what files of the version before call it, as in ``field(metadata={FORMER: "home"})``."""

T = TypeVar("T")

Renamed = Callable[[str, str], None]
"""Called with the dotted former key and the present name of the field."""


def require(holds: bool, key: str, problem: str) -> None:
    """Raise a ``SettingsError`` unless the condition holds; for ``__post_init__`` of settings."""
    if not holds:
        raise SettingsError(key, problem)


def require_options(settings: Any) -> None:
    """Raise a ``SettingsError`` unless each ``Literal`` field of a dataclass holds one of its options."""
    for name, hint in typing.get_type_hints(type(settings)).items():
        if typing.get_origin(hint) is Literal:
            _check_option(getattr(settings, name), typing.get_args(hint), name)


def build(kind: type[T], table: Mapping[str, Any], *, renamed: Renamed | None = None) -> T:
    """Make a dataclass, and those within it, from parsed TOML or JSON.

    Args:
        kind: a dataclass; its fields may be plain types, ``Literal``, tuples of one type, mappings, dataclasses and
            optional ones of these.
        table: parsed TOML or JSON. An int serves as a float, a list as a tuple; nothing else is converted.
        renamed: called for each former key that is read; without it former keys are unknown.

    Raises:
        SettingsError: a key is unknown, missing, of the wrong type, or refused by ``__post_init__``; its dotted name
            is in the message.
    """
    made: T = _build(kind, table, "", renamed)
    return made


def plain(value: Any, *, defaults: bool = True) -> Any:
    """Return dataclasses and what they hold as JSON gives it back: dicts and lists.

    Args:
        value: a dataclass, or a value that JSON has.
        defaults: whether to return, of the dataclass itself, the fields too that have their default value.
    """
    if is_dataclass(value):
        found = {item.name: getattr(value, item.name) for item in fields(value)}
        kept = [item.name for item in fields(value) if defaults or found[item.name] != item.default]
        return {name: plain(found[name]) for name in kept}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _build(kind: Any, value: Any, where: str, renamed: Renamed | None) -> Any:
    if is_dataclass(kind):
        return _build_dataclass(kind, value, where, renamed)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        (kind,) = (argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else _build(kind, value, where, renamed)
    if origin is tuple:
        if isinstance(value, list):
            return tuple(_build(arguments[0], item, f"{where}[{i}]", renamed) for i, item in enumerate(value))
        raise SettingsError(where, f"must be a list, not {short_repr(value)}.")
    if origin is Literal:
        _check_option(value, arguments, where)
        return value
    return _build_value(kind, value, where, renamed)


def _check_option(value: Any, options: tuple[Any, ...], key: str) -> None:
    require(value in options, key, f"must be one of {', '.join(map(repr, options))}, not {short_repr(value)}.")


def _build_value(kind: Any, value: Any, where: str, renamed: Renamed | None) -> Any:
    if typing.get_origin(kind) is not None:  # Mapping[str, ...]
        if not isinstance(value, dict):
            raise SettingsError(where, f"must be a table, not {short_repr(value)}.")
        inner = typing.get_args(kind)[1]
        return {key: _build(inner, item, f"{where}.{key}", renamed) for key, item in value.items()}
    if kind is float and type(value) in (int, float):
        if not abs(value) <= sys.float_info.max:
            raise SettingsError(where, f"must be a finite number, not {short_repr(value)}.")
        return float(value)
    if kind is Any or type(value) is kind:
        return value
    raise SettingsError(where, f"must be of type {kind.__name__}, not {short_repr(value)}.")


def _build_dataclass(kind: Any, value: Any, where: str, renamed: Renamed | None) -> Any:
    if not isinstance(value, dict):
        raise SettingsError(where or "the file", f"must be a table, not {short_repr(value)}.")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in fields(kind)}
    prefix = f"{where}." if where else ""
    built = {}
    for key, item in value.items():
        name = _name_of(key, known, prefix, former=renamed is not None)
        if renamed is not None and name != key:
            renamed(prefix + key, name)
        if name in built:
            raise SettingsError(prefix + key, f"is the former name of {prefix}{name}, which is there too; drop one.")
        built[name] = _build(hints[name], item, prefix + key, renamed)
    for name, field in known.items():
        if name not in built and field.default is MISSING and field.default_factory is MISSING:
            raise SettingsError(prefix + name, "is missing.")
    try:
        return kind(**built)
    except SettingsError as error:
        raise SettingsError(prefix + error.key, error.problem) from None


def _name_of(key: str, known: Mapping[str, Field[Any]], prefix: str, *, former: bool) -> str:
    if key in known:
        return key
    for name, field in known.items():
        if former and field.metadata.get(FORMER) == key:
            return name
    hint = did_you_mean(key, known, f"known keys: {', '.join(known)}.", prefix=prefix)
    raise SettingsError(prefix + key[:LONGEST], f"is not a known key; {hint}")
