"""What is built is what a stranger needs: from the sources a source distribution, from that a wheel, from that a
gateway in an empty environment, which is started in an empty folder, books once, and ends."""

import hashlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tarfile
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from einmal import __version__

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import locks  # noqa: E402

NAME = f"einmal-{__version__}"
EPOCH = "1700000000"
SECONDS_MAX = 120
PAGES = [ROOT / "README.md", ROOT / "docs" / "package.md", ROOT / "deploy" / "README.md"]


def done(*words: str | Path, where: Path, **more: str) -> str:
    """What it printed. It must end well."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("EINMAL_", "PYTHON"))}
    ended = subprocess.run(
        [str(word) for word in words],
        cwd=where,
        env={**environment, "SOURCE_DATE_EPOCH": EPOCH, **more},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert ended.returncode == 0, f"{words}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def source_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    done(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, where=ROOT)
    return folder / f"{NAME}.tar.gz"


def wheel_of(source_distribution: Path, folder: Path) -> Path:
    """Built of the source distribution alone."""
    with tarfile.open(source_distribution) as archive:
        archive.extractall(folder, filter="data")
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, where=folder / NAME)
    return folder / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def wheel(source_distribution: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(source_distribution, tmp_path_factory.mktemp("wheel"))


def test_the_same_sources_give_the_same_files(source_distribution: Path, wheel: Path, tmp_path: Path) -> None:
    """Byte for byte, wherever they are built; a file touched since does not count, one changed does."""
    again = wheel_of(source_distribution, tmp_path / "again")
    assert digest(again) == digest(wheel)
    sources = tmp_path / "again" / NAME
    done(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, where=sources)
    assert digest(tmp_path / source_distribution.name) == digest(source_distribution)
    (sources / "LICENSE").write_text("another", "utf-8")
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, where=sources)
    assert digest(tmp_path / wheel.name) != digest(wheel)


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    """Each file that git knows in the package, pages and licences too; no test, bench or tool."""
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    sources = {path for path in (ROOT / "src").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    here = {path.relative_to(ROOT / "src").as_posix() for path in sources}
    assert {name for name in inside if not name.startswith(f"{NAME}.dist-info/")} == here
    assert {
        "einmal/py.typed",
        "einmal/configuration/example.toml",
        "einmal/adapters/sql/migrations/script.py.mako",
        "einmal/adapters/sql/migrations/versions/0001_the_ledger.py",
        "einmal/entrypoints/web/templates/base.html",
        "einmal/entrypoints/web/static/htmx.LICENSE.txt",
        f"{NAME}.dist-info/licenses/LICENSE",
        f"{NAME}.dist-info/licenses/src/einmal/entrypoints/web/static/htmx.LICENSE.txt",
    } <= inside


def test_the_source_distribution_can_be_built_run_and_operated(source_distribution: Path) -> None:
    with tarfile.open(source_distribution) as archive:
        inside = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    assert {
        *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "docs/package.md", "docs/operating.md"),
        *("requirements/runtime.txt", "requirements/extras.txt", "deploy/systemd/einmal.service"),
        *("monitoring/alerts.py", "src/einmal/entrypoints/web/static/htmx.LICENSE.txt"),
    } <= inside
    strange = {one.partition("/")[0] for one in inside} & {"tests", "bench", "soak", "data", "build", ".venv", "dist"}
    assert strange == set()
    assert [one for one in inside if one.endswith((".pyc", ".sqlite3"))] == []


def test_an_index_page_can_show_what_it_is(wheel: Path) -> None:
    """One version everywhere; a description whose links do not lead into a checkout that is not there."""
    told = metadata(wheel)
    assert told["Name"] == "einmal"
    assert told["Version"] == __version__ == "0.1.0"
    assert told["License-Expression"] == "MIT AND 0BSD"
    assert told["Requires-Python"] == ">=3.11"
    assert told["Description-Content-Type"] == "text/markdown"
    assert set(told.get_all("Provides-Extra", [])) == {"postgres", "mysql", "mcp", "tracing", "dev"}
    links = re.findall(r"\]\(([^)]+)\)", str(told.get_payload()))
    assert [link for link in links if "://" not in link] == []
    named = {file for page in PAGES for file in re.findall(r"einmal-\d[\w.]*-py3[\w-]*\.whl", page.read_text("utf-8"))}
    assert named == {wheel.name}, "what is typed is what was built"
    heading = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert heading is not None
    assert heading[1] == __version__, "what is new in it is told"


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return message_from_string(archive.read(f"{NAME}.dist-info/METADATA").decode())


def test_a_stranger_installs_it_and_books_once(wheel: Path, tmp_path: Path) -> None:
    """From an empty environment and an empty folder, with the call that it prints; twice is once; and it ends."""
    python = installed(wheel, tmp_path / "environment")
    empty = tmp_path / "empty"
    empty.mkdir()
    einmal = python.parent / "einmal"
    assert done(einmal, "--version", where=empty) == f"einmal {__version__}\n"
    where = "import json, sys, einmal; print(json.dumps([einmal.__file__, *sys.path]))"
    loaded_from = json.loads(done(python, "-c", where, where=empty))
    assert [one for one in loaded_from if one.startswith(str(ROOT))] == [], "nothing comes from the sources"
    assert loaded_from[0].startswith(str(tmp_path))

    with served(einmal, empty) as (process, said):
        call = next(line for line in said if line.startswith("curl"))
        first, again = asked(call), asked(call)
        assert first["status"] == again["status"] == "booked"
        assert first["booking"] == again["booking"]
        simulator = next(found[1] for line in said if (found := re.search(r"listens on (http://\S+) and", line)))
        made = fetched(f"{simulator}/v2/bookings", **{"Authorization": "Bearer any", "cal-api-version": "2024-08-13"})
        assert len(made["data"]) == 1
        page = fetched_text(re.sub(r"^.*(http://\S+).*$", r"\1", said[0]) + "/book")
        assert "<form" in page
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=SECONDS_MAX) == 0
    assert list(empty.iterdir()) == [], "a trial leaves nothing behind"

    assert done(einmal, "db", "upgrade", where=empty).startswith("data/einmal.sqlite3: schema ")
    assert [path.name for path in empty.iterdir()] == ["data"], "the ledger lies where docs/package.md says"


def installed(wheel: Path, environment: Path) -> Path:
    """Its Python. What it stands on is what is locked, less what only extras ask for, each file by its hash."""
    venv.create(environment)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    pins, _ = locks.pins_of((locks.FOLDER / "runtime.txt").read_text("utf-8"), "runtime.txt")
    always = locks.needed_always(pins)
    lines = [
        f"{pin.requirement} {' '.join(f'--hash=sha256:{one}' for one in sorted(pin.hashes))}\n"
        for pin in pins
        if pin.name in always
    ]
    assert len(lines) < len(pins), "without the drivers"
    pinned = environment / "pinned.txt"
    pinned.write_text("".join(lines), "utf-8")
    install = [*pip, "install", "--quiet", "--no-deps", "--no-compile"]
    done(*install, "--only-binary=:all:", "--require-hashes", "-r", pinned, where=environment)
    done(*install, "--no-index", wheel, where=environment)
    done(*pip, "check", where=environment)
    return python


@contextmanager
def served(einmal: Path, where: Path) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """A gateway, and what it has said: each line without the space around it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    log = where.parent / "log.jsonl"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [einmal, "serve"],
            cwd=where,
            env={**environment, "EINMAL_PORT": str(port)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line.strip())
            if len([one for one in said if one.startswith("curl")]) == 2:
                break
        else:
            raise AssertionError(f"{said}\n{log.read_text('utf-8')}")
        assert said[0] == f"Einmal is listening on http://127.0.0.1:{port}"
        yield process, said
    finally:
        process.kill()
        process.communicate()


def asked(curl: str) -> dict[str, Any]:
    """What the printed line asks, without curl."""
    words = shlex.split(curl)
    address = next(word for word in words if word.startswith("http://"))
    header, _, value = words[words.index("-H") + 1].partition(": ")
    return fetched(address, words[words.index("-d") + 1].encode(), **{header: value})


def fetched(address: str, body: bytes | None = None, **headers: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(fetched_text(address, body, **headers))
    return answer


def fetched_text(address: str, body: bytes | None = None, **headers: str) -> str:
    request = urllib.request.Request(address, body, headers)  # noqa: S310 - printed by the gateway under test
    with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:  # noqa: S310
        return str(answer.read().decode())
