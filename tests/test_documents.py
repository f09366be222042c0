"""What the documents point at is there, and the maps of the code are whole."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for folder in (".", "deploy", "deploy/*", "static", "tests/bench")
    for path in ROOT.glob(f"{folder}/*.md")
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_link_of_a_document_leads_to_a_file(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"\]\(([^)#:]+)[)#]", text) + re.findall(r'(?:src|srcset)="([^":]+)"', text)
    assert [name for name in named if not (document.parent / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_test_that_is_said_to_prove_something_is_there(document: Path) -> None:
    named = re.findall(r"`((?:tests|app)/[\w./]+)`", document.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


PACKAGES = sorted(path.parent for path in (ROOT / "app").rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES, ids=[str(path.relative_to(ROOT)) for path in PACKAGES])
def test_the_map_of_a_package_names_every_module(package: Path) -> None:
    told = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert modules - {"__init__"} - set(re.findall(r"``(\w+)/?``", told)) == set()
