"""The page of the figures: sections that are measured apart, each written without the others."""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "performance.md"
APART = ("The list of jobs", "Three hundred workers")
"""Titles of the sections that are measured by a command of their own; they stand at the end."""


def put(title: str, text: str) -> None:
    """Write one of the sections that stand apart, and keep all else."""
    whole = PAGE.read_text("utf-8")
    sections = _apart(whole) | {title: text}
    PAGE.write_text(_joined(_main(whole), sections), "utf-8")


def put_main(text: str) -> None:
    """Write all but the sections that stand apart, and keep those."""
    PAGE.write_text(_joined(text, _apart(PAGE.read_text("utf-8"))), "utf-8")


def _main(whole: str) -> str:
    starts = [whole.find(_heading(title)) for title in APART]
    return whole[: min((start for start in starts if start >= 0), default=len(whole))]


def _apart(whole: str) -> dict[str, str]:
    found = {}
    for title in APART:
        _, there, rest = whole.partition(_heading(title))
        if there:
            found[title] = rest.partition("\n## ")[0]
    return found


def _joined(main: str, sections: dict[str, str]) -> str:
    parts = [
        main.strip(),
        *(f"{_heading(name)}\n{text.strip()}" for name, text in sections.items()),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _heading(title: str) -> str:
    return f"## {title}\n"
