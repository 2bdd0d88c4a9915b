"""What `mkdocs build` is told beside mkdocs.yml: where links lead that leave the folder docs/.

The pages are read in two places: on a code host, where `../deploy/README.md` is a file beside them, and on the site,
which knows the folder docs/ alone. Links are written for the first, and made right for the second here: what they name
outside of docs/ becomes a page beneath `beyond/`, a document as it is and any other file as a block of its text. So
nothing on the site leads out of it, and whatever is linked is there, or the build fails.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File, Files  # of the site's own environment, see requirements/docs.txt

ROOT: Final = Path(__file__).parent.parent
LINK: Final = re.compile(r"(\]\()([^)\s:#]+)((?:#[^)\s]*)?\))")
FENCE: Final = re.compile(r"^ *(`{3,}).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
ALWAYS: Final = (
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "SECURITY.md",
    "bench/README.md",
    "deploy/README.md",
)
POLICY: Final = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; form-action 'none'; base-uri 'none'\">"
)
"""In each page: a browser fetches nothing from elsewhere, whatever the theme's script may think of. What is inline is
the theme's own; no page takes anything that somebody else wrote."""

LANGUAGES: Final = {".yml": "yaml", ".yaml": "yaml", ".toml": "toml", ".py": "python", ".json": "json", ".cfg": "text"}


def place_of(path: str) -> str:
    """Where a file of the repository is on the site. A folder is its README."""
    if (ROOT / path).is_dir():
        path = posixpath.join(path, "README.md")
    if not (ROOT / path).is_file():
        raise FileNotFoundError(f"a page links to {path}, which is not there")
    if path == "README.md":
        return "index.md"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.endswith(".md"):
        return f"beyond/{path}"
    return f"beyond/{path}.md" if path == "LICENSE" else f"beyond/files/{path}.md"


def home_of(page: str) -> str:
    """The folder of the repository in which a page of the site is written."""
    return posixpath.dirname(page.removeprefix("beyond/") if page.startswith("beyond/") else f"docs/{page}")


def led(text: str, page: str) -> str:
    """A page's text with its links made right for the site."""

    def one(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(home_of(page), link[2]))
        return link[1] + posixpath.relpath(place_of(target), posixpath.dirname(page)) + link[3]

    parts, at = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(one, text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, LINK.sub(one, text[at:])])


def text_of(path: str) -> str:
    """A file of the repository as a page."""
    text = (ROOT / path).read_text("utf-8")
    if path.endswith(".md"):
        return text
    if path == "LICENSE":
        return f"# Licence\n\n```text\n{text}```\n"
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"# {path}\n\n```{language}\n{text}```\n"


def _named(text: str, page: str) -> Iterator[str]:
    for link in LINK.finditer(FENCE.sub("", text)):
        target = posixpath.normpath(posixpath.join(home_of(page), link[2]))
        if not target.startswith("docs/") and target not in {"README.md", "docs"}:
            yield posixpath.join(target, "README.md") if (ROOT / target).is_dir() else target


def on_files(files: Files, config: Any) -> Files:
    """What is linked from the pages, and from what is linked, is added."""
    waiting = [path for path in ALWAYS if (ROOT / path).exists()]
    for file in files.documentation_pages():
        waiting += _named(file.content_string, file.src_uri)
    done: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        page = place_of(path)
        text = text_of(path)
        files.append(File.generated(config, page, content=text))
        if path.endswith(".md"):
            waiting += _named(text, page)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001 - mkdocs asks for them by name
    return led(markdown, page.file.src_uri)


def on_post_page(output: str, page: Any, config: Any) -> str:  # noqa: ARG001 - mkdocs asks for them by name
    return output.replace('<meta charset="utf-8">', f'<meta charset="utf-8">{POLICY}', 1)


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """The page for what is not there is no page of ours."""
    return on_post_page(output_content, None, config) if template_name == "404.html" else output_content
