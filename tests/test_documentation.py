"""Documentation that comes from the code is as the code; settings and errors are all named."""

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
PAGES = [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", REFERENCE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date(generate: ModuleType) -> None:
    stale = [
        path
        for path, text in generate.pages().items()
        if not (REFERENCE / path).exists() or (REFERENCE / path).read_text("utf-8") != text
    ]
    assert not stale, "run ./dev docs"


def test_no_message_is_documented_that_is_no_more(generate: ModuleType) -> None:
    made = {path for path in generate.pages() if path.startswith("messages/")}
    assert {f"messages/{path.name}" for path in REFERENCE.glob("messages/*")} == made


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text("utf-8"))
    broken = [target for target in targets if not (page.parent / target).exists()]
    assert not broken


def test_every_promise_names_tests_that_there_are() -> None:
    text = (ROOT / "docs" / "explanation" / "promises.md").read_text("utf-8")
    promises = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [promise[:2] for promise in promises] == ["1.", "2.", "3.", "4.", "5.", "6."]
    for promise in promises:
        named = re.findall(r"^- `([\w/.]+)::(\w+)`$", promise, re.MULTILINE)
        assert len(named) == promise.count("::"), promise[:60]
        assert named, promise[:60]
        assert not [
            f"{path}::{name}" for path, name in named if name not in functions_of(ROOT / path)
        ]


def test_every_threat_names_tests_that_there_are() -> None:
    text = (ROOT / "docs" / "explanation" / "threats.md").read_text("utf-8")
    named = re.findall(r"^- `([\w/.]+)::(\w+)`$", text, re.MULTILINE)
    assert len(named) == text.count("::")
    assert [each for each in named if each[1] not in functions_of(ROOT / each[0])] == []


def functions_of(path: Path) -> set[str]:
    """The names of the tests of a file; none when there is no such file."""
    if not path.exists():
        return set()
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
