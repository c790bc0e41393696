"""Languages: what a client likes best, and that every text of ours is there in each."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import pytest
from jinja2 import Environment

from qanat_api.fields import BETWEEN, DEGREES, HINTS, OF_KINDS
from qanat_api.languages import _SENTENCE, ENGLISH, LANGUAGES, Within, catalogue, language, told
from qanat_api.pages import CRS_EXAMPLES, RAN, RUNS, STATES, WAITED
from qanat_api.snippets import LANGUAGES as LANGUAGES_OF_CODE
from qanat_common.errors import all_errors

OTHERS = [name for name in LANGUAGES if name != ENGLISH]
BROWSER = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("en-GB, de;q=0.9", "en"),
        ("it, de;q=0.3", "de"),
        ("it, es", "en"),
        ("fr;q=0.5, de", "de"),
        ("de;q=0", "en"),
        (";;;,,,q=", "en"),
    ],
)
def test_the_language_is_the_one_that_is_liked_best_else_english(
    header: str | None, expected: str
) -> None:
    assert language(header) == expected


def texts() -> Iterator[str]:
    """Every text for people in the templates; strings of them where they are sentences."""
    lexer = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).lexer
    for template in resources.files("qanat_api.templates").iterdir():
        within = Within()
        for token in lexer.tokenize(template.read_text("utf-8")):
            value = str(token.value)
            if token.type == "data":
                yield from (part for part, ours in within.parts(value) if ours)
            elif token.type == "string" and _SENTENCE.match(value):
                yield value
        for told_so in re.findall(r"\{\{ ([^{}]*)\| said", template.read_text("utf-8")):
            yield from re.findall(r'"([^"]+)"', told_so)


def said() -> Iterator[str]:
    """Every text for people that is not in the templates."""
    for module in resources.files("qanat_api").iterdir():
        if module.name.endswith(".py"):
            for node in ast.walk(ast.parse(module.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "Said.of":
                    yield from _constants(node.args[0])
    yield from HINTS.values()
    yield from OF_KINDS.values()
    yield from BETWEEN.values()
    yield DEGREES
    yield from (each.note for each in LANGUAGES_OF_CODE)
    yield from (title for _, title in CRS_EXAMPLES)
    yield from (word for _, word in STATES.values())
    yield from (WAITED, RAN, RUNS)
    yield from (error.title for error in all_errors().values())


def _constants(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def is_for_people(text: str) -> bool:
    """What has words, and is no piece of markup."""
    return bool(re.search(r"[A-Za-z]{2}", text)) and '"' not in text


@pytest.mark.parametrize("name", OTHERS)
def test_every_text_is_there_in_each_language(name: str) -> None:
    ours = {" ".join(text.split()) for text in (*texts(), *said()) if is_for_people(text)}
    assert len(ours) > 250
    assert ours - catalogue(name).keys() == set()


@pytest.mark.parametrize("name", OTHERS)
def test_a_text_has_places_for_the_same_values_in_each_language(name: str) -> None:
    for text, other in catalogue(name).items():
        assert text.count("{}") == other.count("{}"), text


def test_no_catalogue_has_what_nobody_says() -> None:
    ours = {" ".join(text.split()) for text in (*texts(), *said())}
    assert catalogue("de").keys() - ours == set()


def test_catalogues_know_the_same_texts() -> None:
    places = resources.files("qanat_api.locales")
    found = [tomllib.loads(places.joinpath(f"{name}.toml").read_text("utf-8")) for name in OTHERS]
    assert all(one.keys() == found[0].keys() for one in found)
    assert all(text for one in found for text in one.values())


def test_blanks_around_a_text_stay() -> None:
    assert told("  Jobs\n", "de") == "  Aufträge\n"
    assert told(" \n", "de") == " \n"
    assert told(" nobody knows this ", "de") == " nobody knows this "


@pytest.mark.parametrize(("name", "jobs"), [("en", "Jobs"), ("de", "Aufträge"), ("fr", "Tâches")])
def test_pages_are_in_the_language_of_their_reader(
    api: Any, read_page: Callable[..., Any], name: str, jobs: str
) -> None:
    for path in ("/", "/processes", "/processes/test:echo", "/jobs", "/api", "/none"):
        answer = api.http.get(path, headers=BROWSER | {"Accept-Language": name})
        page = read_page(answer)
        assert answer.headers["Content-Language"] == name
        assert "Accept-Language" in answer.headers["Vary"]
        assert page.find("html")[0].attributes["lang"] == name
        assert jobs in page.text


def test_what_others_wrote_is_not_translated(api: Any, read_page: Callable[..., Any]) -> None:
    headers = BROWSER | {"Accept-Language": "de"}
    page = read_page(api.http.get("/processes/native:buffer", headers=headers))
    assert page.find("h1")[0].text == "Buffer"
    assert "Ausführen" in page.text
    controls = {e.attributes["value"] for e in page.find("input", type="hidden")}
    assert controls <= {"true", "false", ""}


def test_the_title_of_an_error_is_told_in_the_language_and_its_detail_in_english(api: Any) -> None:
    answers = {
        name: api.http.get("/jobs/none", headers={"Accept-Language": name}) for name in LANGUAGES
    }
    told_ = {name: answer.json() for name, answer in answers.items()}
    assert told_["en"]["title"] == "No such job"
    assert told_["de"]["title"] == "Kein solcher Auftrag"
    assert told_["fr"]["title"] == "Tâche inconnue"
    assert len({one["detail"] for one in told_.values()}) == 1
    assert len({one["type"] for one in told_.values()}) == 1
    assert answers["en"].headers["Content-Language"] == "en"
    assert answers["de"].headers["Content-Language"] == "de, en"
    assert "Accept-Language" in answers["de"].headers["Vary"]


def test_a_page_that_is_kept_is_kept_in_each_language(api: Any) -> None:
    tags = {
        api.http.get(path, headers=BROWSER | {"Accept-Language": name}).headers["ETag"]
        for path in ("/processes", "/api")
        for name in LANGUAGES
    }
    assert len(tags) == 2 * len(LANGUAGES)


def test_documents_are_the_same_in_every_language(api: Any) -> None:
    for path in ("/processes", "/processes/test:echo", "/"):
        answers = [api.http.get(path, headers={"Accept-Language": n}).content for n in LANGUAGES]
        assert len(set(answers)) == 1
