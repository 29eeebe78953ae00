"""JSON Schemas from dataclasses, so that the description of an answer cannot drift from the answer."""

from __future__ import annotations

import ast
import inspect
import sys
import types
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schemas_of(*classes: type) -> dict[str, Any]:
    """Return the schema of each dataclass by its name, described by its own docstrings.

    Field names lose a trailing underscore, as in the JSON of a verdict.
    """
    return {cls.__name__: _object(cls) for cls in classes}


def _object(cls: type) -> dict[str, Any]:
    if not is_dataclass(cls):
        raise TypeError(f"{cls.__name__} is no dataclass.")
    hints = get_type_hints(cls, vars(sys.modules[cls.__module__]))
    texts = _field_docstrings(cls)
    properties = {
        key.name.rstrip("_"): _schema(hints[key.name]) | {"description": texts[key.name]} for key in fields(cls)
    }
    return {
        "type": "object",
        "description": inspect.getdoc(cls),
        "properties": properties,
        "required": list(properties),
    }


def _schema(hint: Any) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(argument) for argument in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if hint is type(None):
        return {"type": "null"}
    if is_dataclass(hint) and isinstance(hint, type):
        return {"$ref": f"#/components/schemas/{hint.__name__}"}
    return {"type": _PLAIN[hint]}


def _field_docstrings(cls: type) -> dict[str, str]:
    """Read the string that stands below each field in the source."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{cls.__name__} has no class statement.")
    texts = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = getattr(text, "value", None)
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                texts[field.target.id] = inspect.cleandoc(value.value)
    return texts
