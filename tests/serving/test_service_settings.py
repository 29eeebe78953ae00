"""Settings: from the environment and from flags, checked at start."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from reason.errors import ConfigError
from reason.serving.settings import Settings


def test_defaults() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port) == ("127.0.0.1", 5000)
    assert settings.bundles == Path(__file__).parents[2] / "reason_saved"
    assert settings.cors_origins == ("*",)
    assert settings == Settings()


def test_environment_is_read_with_types() -> None:
    settings = Settings.from_environment(
        {
            "REASON_PORT": "8080",
            "REASON_BUNDLES": "~/bundles",
            "REASON_BATCH_WINDOW_MS": "1.5",
            "REASON_CORS_ORIGINS": "null, https://example.org:8443",
            "REASON_MODEL": "",
            "REASON_DATA": "/anywhere",
            "PATH": "/bin",
        }
    )
    assert settings.port == 8080
    assert settings.bundles == Path.home() / "bundles"
    assert settings.batch_window_ms == 1.5
    assert settings.cors_origins == ("null", "https://example.org:8443")
    assert settings.model == ""
    assert settings.data == Path("/anywhere")


def test_override_wins_unless_it_is_none() -> None:
    settings = Settings.from_environment({"REASON_PORT": "1", "REASON_HOST": "::1"}, port=2, host=None)
    assert (settings.port, settings.host) == (2, "::1")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"REASON_PROT": "1"},
            "REASON_PROT: unknown setting of the service; did you mean REASON_PORT?",
        ),
        (
            {"REASON_MAX_UPLOAD": "1"},
            "REASON_MAX_UPLOAD: unknown setting of the service; did you mean REASON_MAX_UPLOAD_BYTES?",
        ),
        (
            {"REASON_port": "1"},
            "REASON_port: unknown setting of the service; did you mean REASON_PORT?",
        ),
        ({"REASON_PORT": "http"}, "REASON_PORT: 'http' is not a whole number."),
        ({"REASON_PORT": "65536"}, "REASON_PORT: 65536 is out of range; give a number from 0 to 65535."),
        ({"REASON_PORT": "-1"}, "REASON_PORT: -1 is out of range; give a number from 0 to 65535."),
        ({"REASON_BATCH_SIZE": "0"}, "REASON_BATCH_SIZE: 0 is out of range; give a number at least 1."),
        (
            {"REASON_MAX_PIXELS": "89478486"},
            "REASON_MAX_PIXELS: 89478486 is out of range; give a number from 1 to 89478485.",
        ),
        ({"REASON_BATCH_WINDOW_MS": "soon"}, "REASON_BATCH_WINDOW_MS: 'soon' is not a number."),
        (
            {"REASON_TIMEOUT_S": "nan"},
            "REASON_TIMEOUT_S: nan is out of range; give a number from 0.001 to 3600.",
        ),
        (
            {"REASON_LOG_LEVEL": "loud"},
            "REASON_LOG_LEVEL: 'loud' is unknown; give one of debug, info, warning, error.",
        ),
        (
            {"REASON_CORS_ORIGINS": "example.org"},
            "REASON_CORS_ORIGINS: 'example.org' is not an origin; write *, null or one like https://example.org.",
        ),
        (
            {"REASON_QUEUE_SIZE": "8"},
            "REASON_QUEUE_SIZE is 8 but REASON_MAX_IMAGES is 32; the queue must hold at least one full request.",
        ),
    ],
)
def test_wrong_environment_is_one_sentence(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_environment(environ)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"prot": 1}, "prot: unknown setting of the service; did you mean port?"),
        ({"port": "80"}, "REASON_PORT: '80' has the wrong type; give one like 5000."),
        ({"port": True}, "REASON_PORT: True has the wrong type; give one like 5000."),
        ({"cors_origins": "*"}, "REASON_CORS_ORIGINS: '*' has the wrong type; give one like ('*',)."),
        ({"host": ""}, "REASON_HOST is empty; give an address such as 127.0.0.1."),
    ],
)
def test_wrong_override_is_one_sentence(override: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_environment({}, **override)
    assert str(caught.value) == message


def test_every_setting_says_what_it_means() -> None:
    for key in fields(Settings):
        assert key.metadata["help"].endswith("."), key.name
