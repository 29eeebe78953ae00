"""A bundle that was logged to MLflow gives the verdicts of the bundle, and nothing of it is pickled."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.pyfunc import scoring_server
from PIL import Image

import reason
from reason.detector.detector import Detector
from reason.errors import BundleError, ConfigError
from reason.sharing import mlflow as sharing
from reason.sharing.pyfunc import COLUMNS, Judge


@pytest.fixture(scope="module")
def model(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle ``tiny``, saved as a model."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    sharing.save_model(bundle_folder, folder, engine="torch")
    return folder


@pytest.fixture
def png(shape_image: Image.Image) -> bytes:
    data = io.BytesIO()
    shape_image.save(data, "PNG")
    return data.getvalue()


def same(row: Any, verdict: reason.Verdict) -> bool:
    """Equal but for the last bits, which the size of a batch may change."""
    facts = verdict.to_dict()
    return all(row[name] == pytest.approx(facts[name], abs=1e-5) for name in COLUMNS)


def test_bytes_and_paths_are_judged_as_the_bundle_does(
    model: Path, bundle_folder: Path, png: bytes, tmp_path: Path
) -> None:
    (tmp_path / "circle.png").write_bytes(png)
    frame = pd.DataFrame({"image": [png, str(tmp_path / "circle.png")]}, index=["a", "b"])
    found = mlflow.pyfunc.load_model(str(model)).predict(frame)
    expected = reason.load(bundle_folder, engine="torch").predict([tmp_path / "circle.png"])[0]
    assert list(found.index) == ["a", "b"]
    assert all(same(found.loc[key], expected) for key in ("a", "b"))
    assert found["error"].isna().all()


def test_an_image_that_cannot_be_read_does_not_harm_its_companions(model: Path, png: bytes) -> None:
    images = [b"no image", png, "nowhere.png", 3]
    found = Judge(reason.load(model / "data" / "bundle")).predict(images)
    assert found["decision"].isna().tolist() == [True, False, True, True]
    assert found["class_index"].isna().tolist() == [True, False, True, True]
    assert found["error"][0].startswith("image 0: not an image in a format REASON reads")
    assert found["error"][2] == "image 2: cannot be read (No such file or directory)."
    assert found["error"][3] == "image 3: is a int; give the bytes of an image file, or its path."


def test_parameters_ask_for_another_decision(model: Path, bundle_folder: Path, png: bytes) -> None:
    loaded = mlflow.pyfunc.load_model(str(model))
    at = [loaded.predict({"image": [png]}, params=asked).iloc[0] for asked in ({"threshold": 1.0}, {"threshold": 0.0})]
    assert [row["decision"] for row in at] == ["review", "accept"]
    by_risk = loaded.predict({"image": [png]}, params={"risk": 0.25, "delta": 0.1}).iloc[0]
    assert by_risk["threshold"] == reason.load(bundle_folder).policy(risk=0.25, delta=0.1).threshold
    with pytest.raises(reason.ReasonError, match="threshold and risk exclude each other"):
        loaded.predict({"image": [png]}, params={"risk": 0.25, "threshold": 0.5})


def test_a_whole_verdict_is_given_where_it_is_asked_for(model: Path, bundle_folder: Path, png: bytes) -> None:
    found = mlflow.pyfunc.load_model(str(model)).predict({"image": [png]}, params={"full": True})
    verdict = json.loads(found["verdict"][0])
    expected = reason.load(bundle_folder, engine="torch").predict([Image.open(io.BytesIO(png))])[0]
    assert verdict | {"timings_ms": 0} == json.loads(expected.to_json()) | {"timings_ms": 0}


def test_what_lies_in_a_model(model: Path, bundle_folder: Path) -> None:
    files = {path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()}
    assert not any(name.endswith((".pkl", ".pickle", ".py")) for name in files)
    assert {f"data/bundle/{path.name}" for path in bundle_folder.iterdir()} <= files
    requirements = (model / "requirements.txt").read_text().splitlines()
    assert f"reason[mlflow]=={reason.__version__}" in requirements
    assert any(line.startswith("torch==") and "+" not in line for line in requirements)
    found = mlflow.models.Model.load(str(model))
    assert found.metadata == {"reason_digest": reason.load(bundle_folder).digest}
    assert found.signature.inputs.input_names() == ["image"]
    assert [spec.name for spec in found.signature.params.params] == ["threshold", "risk", "delta", "full"]


def test_the_example_is_served(model: Path) -> None:
    """What MLflow's server makes of the JSON that it is sent: the bytes of the image, from base64."""
    loaded = mlflow.pyfunc.load_model(str(model))
    sent = (model / "serving_input_example.json").read_text()
    answered = scoring_server.invocations(sent, "application/json", loaded, loaded.metadata.get_input_schema())
    assert answered.status == 200
    assert json.loads(answered.response)["predictions"][0]["model"] == "tiny"


def test_a_path_that_is_sent_opens_no_file(
    model: Path, tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server takes what it is sent for base64, even where a file has such a name."""
    monkeypatch.chdir(tmp_path)
    for name in ("abcd", "circle.png"):
        (tmp_path / name).write_bytes(png)
    loaded = mlflow.pyfunc.load_model(str(model))

    def answer(path: str) -> Any:
        sent = json.dumps({"dataframe_split": {"columns": ["image"], "data": [[path]]}})
        return scoring_server.invocations(sent, "application/json", loaded, loaded.metadata.get_input_schema())

    row = json.loads(answer("abcd").response)["predictions"][0]
    assert row["class"] is None
    assert row["error"].startswith("image 0: not an image")
    with pytest.raises(mlflow.MlflowException, match="Failed to convert column image"):
        answer("circle.png")


def test_a_detector_is_logged_to_a_local_store(
    detector: Detector, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, png: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri((tmp_path / "store").as_uri())
    try:
        with mlflow.start_run():
            logged = sharing.log_model(detector, "tiny")
        again = sharing.load_model(logged.model_uri)
        row = mlflow.pyfunc.load_model(logged.model_uri).predict({"image": [png]}).iloc[0]
    finally:
        mlflow.set_tracking_uri(before)
    assert again.digest == reason.load(bundle_folder).digest
    assert same(row, again.predict([Image.open(io.BytesIO(png))])[0])


def test_a_model_that_holds_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(BundleError, match="no such bundle folder"):
        sharing.load_model(str(tmp_path / "model"))


def test_without_the_package(bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ConfigError, match=r"pip install 'reason\[mlflow\]'"):
        sharing.save_model(bundle_folder, tmp_path / "model")
