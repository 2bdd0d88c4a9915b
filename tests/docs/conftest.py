"""The site, built once for all tests of a process."""

import os
import subprocess
from pathlib import Path

import pytest

from support.pages import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make site` would write. Nothing may be warned of: the build ends and says not a word."""
    folder = tmp_path_factory.mktemp("site")
    tool = ROOT / ".venv-docs" / "bin" / "mkdocs"
    assert tool.exists(), "make site installs what builds it"
    done = subprocess.run(
        [tool, "build", "--quiet", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder
