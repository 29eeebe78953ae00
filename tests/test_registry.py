"""Registries: names of our own, of installed packages, and of modules that the caller points to."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reason.errors import CorruptionError, ReasonError
from reason.registry import Registry
from reason.suggestions import did_you_mean


@dataclass(frozen=True)
class Tool:
    name: str


@pytest.fixture
def tools() -> Registry[Tool]:
    registry: Registry[Tool] = Registry("tool", group="reason.test_tools", error=CorruptionError)
    registry.register(Tool("hammer"))
    registry.register(Tool("saw"))
    return registry


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a package of one module for the time of the test."""

    def install(name: str, source: str, *offers: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        metadata = tmp_path / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[reason.test_tools]\n" + "\n".join(offers))
        monkeypatch.delitem(sys.modules, name, raising=False)

    monkeypatch.syspath_prepend(tmp_path)
    return install


def test_names_come_in_the_order_of_registration(tools: Registry[Tool]) -> None:
    assert list(tools) == ["hammer", "saw"]
    assert tools.items() == [("hammer", Tool("hammer")), ("saw", Tool("saw"))]
    assert len(tools) == 2
    assert "saw" in tools
    assert "axe" not in tools
    assert tools["saw"] == Tool("saw")


def test_a_decorator_registers_and_returns_what_it_decorates() -> None:
    makers: Registry[Callable[[], int]] = Registry("maker", group="reason.test_makers")

    @makers.register(name="one")
    def make() -> int:
        return 1

    assert makers["one"] is make
    assert make() == 1


def test_a_second_thing_of_a_name_is_refused_and_the_same_one_is_not(tools: Registry[Tool]) -> None:
    tools.register(tools["saw"])
    with pytest.raises(CorruptionError, match=r"^saw: there is a tool of this name already; choose another\.$"):
        tools.register(Tool("saw"))


def test_a_thing_without_a_name_is_refused(tools: Registry[Tool]) -> None:
    with pytest.raises(CorruptionError, match=r"^Tool\(name=''\) has no name; register it with name=\.\.\. "):
        tools.register(Tool(""))


def test_an_unknown_name_is_one_sentence_of_the_registrys_own_error(tools: Registry[Tool]) -> None:
    with pytest.raises(CorruptionError, match=r"^Hamer: there is no such tool; did you mean hammer\?$"):
        tools["Hamer"]
    with pytest.raises(CorruptionError, match=r"^xyz: there is no such tool; there are hammer and saw\.$"):
        tools["xyz"]


def test_a_very_long_name_is_cut() -> None:
    empty: Registry[Tool] = Registry("tool", group="reason.test_none")
    with pytest.raises(ReasonError, match=r"^x{80}: there is no such tool; there is none\.$"):
        empty["x" * 10_000]


def test_an_object_of_another_kind_is_refused() -> None:
    registry: Registry[Tool] = Registry("tool", group="reason.test", accepts=lambda item: isinstance(item, Tool))
    with pytest.raises(ReasonError, match=r"^nail: is a str and cannot be used as a tool\.$"):
        registry.register("nail", name="nail")  # type: ignore[call-overload]


def test_own_modules_are_imported_when_the_registry_is_first_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "toolbox_of_a_test.py").write_text("import tests_of_tools as it\nit.registry.register(it.Tool('rasp'))")
    registry: Registry[Tool] = Registry("tool", group="reason.test", modules=("toolbox_of_a_test",))
    fake = type(sys)("tests_of_tools")
    vars(fake).update(registry=registry, Tool=Tool)
    monkeypatch.setitem(sys.modules, "tests_of_tools", fake)
    assert "toolbox_of_a_test" not in sys.modules
    assert list(registry) == ["rasp"]


def test_a_package_offers_a_thing_by_entry_point(tools: Registry[Tool], package: Callable[..., None]) -> None:
    package("pliers_of_a_test", "class It:\n    name = 'pliers'\npliers = It()", "pliers = pliers_of_a_test:pliers")
    assert "pliers" in tools
    assert list(tools) == ["hammer", "saw", "pliers"]
    assert "pliers_of_a_test" not in sys.modules, "a listing of names imports nothing"
    assert tools["pliers"].name == "pliers"
    assert [name for name, _ in tools.items()] == ["hammer", "saw", "pliers"]


def test_a_known_name_does_not_look_at_packages(tools: Registry[Tool], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: str) -> None:
        raise AssertionError("a known name does not need the entry points")

    monkeypatch.setattr("reason.registry.entry_points", fail)
    assert tools["saw"] == Tool("saw")
    assert "hammer" in tools


def test_our_own_name_wins_over_a_packages(tools: Registry[Tool], package: Callable[..., None]) -> None:
    package("saw_of_a_test", "raise RuntimeError('imported')", "saw = saw_of_a_test:saw")
    assert tools["saw"] == Tool("saw")
    assert list(tools) == ["hammer", "saw"]


def test_a_broken_package_is_named_when_its_thing_is_asked_for_and_harms_nothing_else(
    tools: Registry[Tool], package: Callable[..., None]
) -> None:
    package("drill_of_a_test", "raise ImportError('no batteries')", "drill = drill_of_a_test:drill")
    assert tools["saw"] == Tool("saw")
    assert [name for name, _ in tools.items()] == ["hammer", "saw"]
    said = "drill: the package drill_of_a_test offers this tool, but it cannot be imported (ImportError: no batteries)."
    with pytest.raises(CorruptionError) as caught:
        tools["drill"]
    assert str(caught.value) == said
    assert isinstance(caught.value.__cause__, ImportError)


def test_a_module_may_be_pointed_to(tools: Registry[Tool], package: Callable[..., None]) -> None:
    package("chisel_of_a_test", "class It:\n    name = 'chisel'\n    made = 3\n")
    assert tools.resolve("saw") == Tool("saw")
    assert tools.resolve("chisel_of_a_test:It").name == "chisel"
    assert tools.resolve("chisel_of_a_test:It.made") == 3  # type: ignore[comparison-overlap]
    assert "chisel_of_a_test:It" not in tools


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no_such_module:It", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("json:It", "AttributeError: module 'json' has no attribute 'It'"),
        (":It", "ValueError: Empty module name"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(tools: Registry[Tool], text: str, reason: str) -> None:
    with pytest.raises(CorruptionError) as caught:
        tools.resolve(text)
    assert str(caught.value) == f"{text}: cannot be imported as a tool ({reason})."


def test_a_name_never_imports_a_module(tools: Registry[Tool]) -> None:
    with pytest.raises(CorruptionError, match=r"^json:loads: there is no such tool; "):
        tools["json:loads"]


def test_a_thing_may_be_registered_for_a_while(tools: Registry[Tool]) -> None:
    with tools.temporarily(Tool("saw")) as other:
        assert tools["saw"] is other
    assert tools["saw"] is not other
    with tools.temporarily(Tool("axe")):
        assert "axe" in tools
    assert "axe" not in tools


def test_a_suggestion_ignores_case_and_says_otherwise_what_there_is() -> None:
    assert did_you_mean("msp", ["GEN", "MSP"]) == "did you mean MSP?"
    assert did_you_mean("sise", ["size", "mode"], prefix="data.") == "did you mean data.size?"
    assert did_you_mean("q", ["size"]) == "there is size only."
    assert did_you_mean("q", ["size"], "ask somebody.") == "ask somebody."
