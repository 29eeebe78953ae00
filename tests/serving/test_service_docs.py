"""The documents tell the truth: every route, setting and kind of problem is in them, and answers fit their schema."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from service_pictures import encode

from reason.detector.verdict import Verdict
from reason.serving import Settings, create_app
from reason.serving.parameters import NAMES, SAMPLE_NAMES
from reason.serving.problems import PROBLEM_TYPES
from reason.serving.settings import variable

DOCUMENT = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def description(service: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{service}/openapi.json", timeout=120).json()
    return answer


@pytest.fixture(scope="session")
def routes(bundle_folder: Path) -> dict[str, set[str]]:
    """Methods of each route, with parameters written as OpenAPI does."""
    rules = create_app(Settings(bundles=bundle_folder), load=False).url_map.iter_rules()
    return {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule): {
            method.lower() for method in rule.methods or () if method not in ("HEAD", "OPTIONS")
        }
        for rule in rules
    }


def test_every_route_is_described(description: dict[str, Any], routes: dict[str, set[str]]) -> None:
    assert {path: set(operations) for path, operations in description["paths"].items()} == routes


def test_every_route_is_documented(routes: dict[str, set[str]]) -> None:
    documented = re.findall(r"^\| `(GET|POST) (/[^`]*)` \|", DOCUMENT, re.MULTILINE)
    assert {(path, method.lower()) for method, path in documented} == {
        (path, method) for path, methods in routes.items() for method in methods
    }


def test_every_setting_is_documented() -> None:
    rows = re.findall(r"^\| `(REASON_\w+)` \| (.+?) \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(variable(key.name), shown(key.default), key.metadata["help"]) for key in fields(Settings)]


def shown(default: object) -> str:
    if isinstance(default, Path):
        default = default.name
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    return f"`{text}`" if text else "none"


def test_every_kind_of_problem_is_documented(description: dict[str, Any]) -> None:
    rows = re.findall(r"^\| (\d+) \| `(urn:[\w:-]+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(str(kind.status), kind.uri, kind.title) for kind in PROBLEM_TYPES]
    types = description["components"]["schemas"]["ProblemDocument"]["properties"]["type"]["enum"]
    assert types == ["about:blank", *(kind.uri for kind in PROBLEM_TYPES)]


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    names = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(description)))
    assert {"CorruptedVerdict", "KnownCorruption", "LatentMap", "Model", "ProblemDocument", "SamplePicture"} <= names
    assert names == set(description["components"]["schemas"])


def test_schema_explains_every_field(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    assert list(schemas["Verdict"]["properties"]) == [key.name.rstrip("_") for key in fields(Verdict)]
    for name, schema in schemas.items():
        assert schema["description"] != "", name
        assert all(len(field["description"]) > 10 for field in schema["properties"].values()), name


def test_every_parameter_is_described(description: dict[str, Any]) -> None:
    for path, method, names in (("/predict", "post", NAMES), ("/samples", "get", SAMPLE_NAMES)):
        parameters = description["paths"][path][method]["parameters"]
        assert tuple(parameter["name"] for parameter in parameters) == names
        assert all(len(parameter["description"]) > 10 for parameter in parameters)
        assert all(f"`{name}`" in DOCUMENT for name in names)
    form = description["paths"]["/predict"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(NAMES) < set(form["properties"])


def test_limits_stand_in_the_description(description: dict[str, Any]) -> None:
    text = description["paths"]["/predict"]["post"]["description"]
    assert "At most 32 images and 33,554,432 bytes a request, 40,000,000 pixels an image." in text


def problems_of(value: Any, schema: dict[str, Any], schemas: dict[str, Any], path: str = "$") -> list[str]:
    """Check a JSON value against the few schema keywords that the description uses."""
    if "$ref" in schema:
        return problems_of(value, schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, path)
    if "anyOf" in schema:
        found = [problems_of(value, option, schemas, path) for option in schema["anyOf"]]
        return [] if [] in found else min(found, key=len)
    if "allOf" in schema:
        parts = [*schema["allOf"], {keyword: schema[keyword] for keyword in schema if keyword != "allOf"}]
        return [problem for part in parts for problem in problems_of(value, part, schemas, path)]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{path}: {value!r} not in {schema['enum']}"]
    kinds = schema.get("type", [])
    if not any(isinstance(value, TYPES[kind]) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return [f"{path}: {value!r} is no {kinds}"]
    inside: list[str] = []
    if isinstance(value, list):
        parts = schema.get("prefixItems") or [schema["items"]] * len(value)
        inside += [f"{path}: {len(value)} items"] * (len(value) != len(parts))
        for i, (item, part) in enumerate(zip(value, parts, strict=False)):
            inside += problems_of(item, part, schemas, f"{path}[{i}]")
    if isinstance(value, dict):
        inside += [f"{path}: {name} is missing" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            inside += problems_of(item, inner, schemas, f"{path}.{name}") if isinstance(inner, dict) else []
    return inside


TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
    "object": dict,
    "array": list,
    "null": type(None),
}


def test_answers_fit_their_schema(service: str, description: dict[str, Any], picture: Image.Image) -> None:
    schemas = description["components"]["schemas"]
    paths = description["paths"]

    def check(path: str, method: str, answer: requests.Response) -> None:
        content = paths[path][method]["responses"][str(answer.status_code)]["content"]
        schema = content[answer.headers["Content-Type"]]["schema"]
        assert problems_of(answer.json(), schema, schemas) == []

    def predict(*files: bytes, **options: Any) -> requests.Response:
        return requests.post(f"{service}/predict", files=[("image", data) for data in files], timeout=120, **options)

    photo = encode(picture)
    for answer in (
        predict(photo),
        predict(photo, params={"threshold": 0.5}),
        predict(photo, params={"risk": 0.3}),
        predict(photo, params={"risk": 0.0001}),
        predict(photo, params={"corruption": "noise"}),
        predict(photo, params={"corruption": "none"}),
        predict(photo, b"words", photo),
        predict(photo, b"words", params={"corruption": "noise"}),
        predict(b"words"),
        predict(photo, params={"model": "huge"}),
        predict(photo, params={"threshold": 2}),
        predict(),
    ):
        check("/predict", "post", answer)
    for path in ("/models", "/corruptions", "/samples", "/health/live", "/health/ready", "/openapi.json"):
        check(path, "get", requests.get(service + path, timeout=120))
    check("/models/{name}", "get", requests.get(f"{service}/models/tiny", timeout=120))
    check("/models/{name}", "get", requests.get(f"{service}/models/huge", timeout=120))
    check("/models/{name}/map", "get", requests.get(f"{service}/models/tiny/map", timeout=120))
    check("/models/{name}/map", "get", requests.get(f"{service}/models/huge/map", timeout=120))


def test_sample_fits_its_schema(description: dict[str, Any]) -> None:
    sample = {"model": "tiny", "index": 0, "count": 3, "source": "MNIST test", "label": None, "name": "test/00000"}
    schemas = description["components"]["schemas"]
    found = problems_of(sample, schemas["SamplePicture"], schemas)
    assert found == ["$: picture is missing"]
    assert problems_of(sample | {"picture": "data:image/png;base64,"}, schemas["SamplePicture"], schemas) == []


def test_the_check_notices_a_wrong_answer(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    found = problems_of({"label": 3, "distance": 0.5}, schemas["Neighbour"], schemas)
    assert found == ["$: source is missing", "$.label: 3 is no string"]
