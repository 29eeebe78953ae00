"""A hub of the tests' own, which speaks as much of the Hugging Face Hub's protocol as pushing and loading take."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

TOKEN = "hf_of_the_tests"


def point_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let the Hub's library talk to this address, which it reads from the environment once."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HF_URL_HOSTS", constants.HF_URL_HOSTS | {"127.0.0.1"})
    template = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + template)


@dataclass
class Repository:
    """Its states, oldest first: the commit and what each file holds."""

    private: bool = False
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=lambda: [("0" * 40, {})])

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if revision == "main":
            return self.commits[-1]
        return next((commit for commit in self.commits if commit[0] == revision), None)


class FakeHub:
    """Repositories by ``owner/name``, large files by SHA-256, and every request as ``(method, path)``."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.url = ""
        self.broken = False

    def downloads(self) -> list[str]:
        """Return the files that were asked for, by name."""
        return [path.rsplit("/", 1)[1] for method, path in self.requests if method == "GET" and "/resolve/" in path]

    @contextmanager
    def running(self) -> Iterator[FakeHub]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._file()

    def do_GET(self) -> None:
        path = self._path()
        if "/resolve/" in path:
            self._file()
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(?:tree|revision)/([^/]+))?", path):
            self._listed(found[1], found[2] or "main", tree="/tree/" in path)
        else:
            self._fail(404, "EntryNotFound")

    def do_PUT(self) -> None:
        path, data = self._path(), self._body()
        self.hub.large[path.rsplit("/", 1)[1]] = data
        self._answer(200, {})

    def do_POST(self) -> None:
        path, data = self._path(), self._body()
        if path == "/api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": "Invalid username or password."})
        elif path == "/api/repos/create":
            self._create(json.loads(data))
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._batch(json.loads(data))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(preupload|commit)/main", path):
            repository = self.hub.repositories[found[1]]
            if found[2] == "preupload":
                self._modes(json.loads(data), repository)
            else:
                self._commit(found[1], [json.loads(line) for line in data.splitlines()], repository)
        else:
            self._fail(404, "EntryNotFound")

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        return path

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        if wanted["organization"] != "us":
            self._answer(403, {"error": "You don't have the rights to create a model under this namespace"})
            return
        known = name in self.hub.repositories
        self.hub.repositories.setdefault(name, Repository(private=wanted.get("visibility") == "private"))
        self._answer(409 if known else 200, {"url": f"{self.hub.url}/{name}"})

    def _modes(self, wanted: dict[str, Any], repository: Repository) -> None:
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith((".safetensors", ".onnx")) else "regular",
                "shouldIgnore": False,
            }
            for file in wanted["files"]
        ]
        self._answer(200, {"files": files, "commitOid": repository.commits[-1][0]})

    def _batch(self, wanted: dict[str, Any]) -> None:
        objects = [
            {**item, "actions": {"upload": {"href": f"{self.hub.url}/large/{item['oid']}"}}}
            for item in wanted["objects"]
        ]
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _commit(self, name: str, lines: list[dict[str, Any]], repository: Repository) -> None:
        files = dict(repository.commits[-1][1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        commit = hashlib.sha1(repr((len(repository.commits), sorted(files))).encode()).hexdigest()
        repository.commits.append((commit, files))
        self._answer(200, {"commitOid": commit, "commitUrl": f"{self.hub.url}/{name}/commit/{commit}"})

    def _listed(self, name: str, revision: str, *, tree: bool) -> None:
        found = self._state(name, revision)
        if found is None:
            return
        commit, files = found
        listed = [{"type": "file", "path": path, "size": len(data), "oid": _id(data)} for path, data in files.items()]
        self._answer(200, listed if tree else {"id": name, "sha": commit, "siblings": []})

    def _file(self) -> None:
        path = self._path() if self.command == "HEAD" else self.hub.requests[-1][1]
        owner, name, _, revision, file = path.strip("/").split("/", 4)
        found = self._state(f"{owner}/{name}", revision)
        if found is None:
            return
        commit, files = found
        if file not in files:
            self._fail(404, "EntryNotFound", {"X-Repo-Commit": commit})
            return
        self._answer(200, files[file], {"X-Repo-Commit": commit, "ETag": f'"{_id(files[file])}"'})

    def _state(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if self.hub.broken:
            self._answer(503, {"error": "down"})
            return None
        repository = self.hub.repositories.get(name)
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repository is None or (repository.private and not allowed):
            self._fail(401, "RepoNotFound")
            return None
        if (state := repository.at(revision)) is None:
            self._fail(404, "RevisionNotFound")
        return state

    def _fail(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self._answer(status, {"error": code}, {"X-Error-Code": code, **(headers or {})})

    def _answer(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for key, text in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(key, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
