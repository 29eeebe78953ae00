"""The engine is the one that was asked for, or the fastest that may; a refusal is one sentence that says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from reason.base.engines import choice
from reason.base.engines.choice import RUNTIMES, choose, require
from reason.errors import ConfigError

ALL = tuple(RUNTIMES)


@pytest.fixture(autouse=True)
def everything_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: object())
    monkeypatch.setattr(choice, "has_bf16", lambda: True)


def chosen(wanted: str = "auto", device: str = "cpu", **changes: Any) -> str:
    facts: dict[str, Any] = {"bundle": "photos", "proved": ALL, "gradient": False, **changes}
    return choose(wanted, device, **facts)


def test_auto_takes_the_fastest_that_may(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen() == "openvino-bf16"
    assert chosen(exact=True) == "onnx"
    assert chosen(proved=("openvino",)) == "openvino"
    assert chosen(proved=()) == "torch"
    assert chosen(gradient=True) == "torch"
    assert chosen(device="cuda") == "torch"
    monkeypatch.setattr(choice, "has_bf16", lambda: False)
    assert chosen() == "onnx"
    monkeypatch.setattr(choice, "find_spec", lambda name: None if name == "onnxruntime" else object())
    assert chosen() == "openvino"
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    assert chosen() == "torch"


@pytest.mark.parametrize("name", ["torch", *ALL])
def test_what_is_asked_for_is_taken(name: str) -> None:
    assert chosen(name) == name


def test_torch_may_always_run() -> None:
    assert chosen("torch", "cuda", proved=(), gradient=True) == "torch"


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(message: str, wanted: str, device: str = "cpu", **changes: Any) -> None:
        with pytest.raises(ConfigError, match=message) as caught:
            chosen(wanted, device, **changes)
        assert str(caught.value).endswith(("torch.", "cuda.", "has.", "]'.", "?"))

    refused("no engine 'onx'; did you mean onnx", "onx")
    refused(r"run `reason export photos --engine onnx`", "onnx", proved=())
    refused(r"run `reason export photos --engine openvino --precision bf16`", "openvino-bf16", proved=("openvino",))
    refused("need the input gradient", "onnx", gradient=True)
    refused("run on the CPU", "openvino", "cuda")
    monkeypatch.setattr(choice, "has_bf16", lambda: False)
    refused("no bfloat16 arithmetic", "openvino-bf16")
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    refused(r"not installed; pip install 'reason\[onnx\]'", "onnx")
    refused(r"not installed; pip install 'reason\[openvino\]'", "openvino")


def test_exporting_takes_the_runtime_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert require("onnx") is RUNTIMES["onnx"]
    with pytest.raises(ConfigError, match="no graph is exported for 'torch'"):
        require("torch")
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'reason\[openvino\]'"):
        require("openvino-bf16")
