"""Zip files: taken apart member by member within limits, and made of folders."""

import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath

MOST_MEMBERS = 10_000
MOST_BYTES = 4 << 30
MOST_RATIO = 200
RATIO_FROM = 16 << 20
"""Below so many bytes the ratio of a zip does not matter."""


_ODD = re.compile(r"""["'\\`$|;\x00-\x1f\x7f]|(^|/)-""")


class BadArchive(ValueError):
    """An archive that is not taken apart; the text says why."""


def unpack(archive: Path, folder: Path) -> list[Path]:
    """The files of an archive, in `folder` and its subfolders."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [entry for entry in opened.infolist() if not entry.is_dir()]
            _check_sizes(members, archive.stat().st_size)
            return [_extract(opened, member, folder) for member in members]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadArchive("it is no zip that can be read") from error


def _check_sizes(members: list[zipfile.ZipInfo], packed: int) -> None:
    total = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        raise BadArchive(f"it has {len(members)} members, at most {MOST_MEMBERS} are taken")
    if total > MOST_BYTES or (total > RATIO_FROM and total > MOST_RATIO * packed):
        raise BadArchive(f"its {packed} bytes would unpack to {total}")


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    name = PurePosixPath(member.filename)
    kind = member.external_attr >> 28
    if name.is_absolute() or ".." in name.parts or _ODD.search(member.filename):
        raise BadArchive(f"its member {member.filename!r} has a name that is not taken")
    if kind not in (0, 0o10):
        raise BadArchive(f"its member {member.filename!r} is no file within it")
    target = folder.joinpath(*name.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(member) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
        if sink.tell() > member.file_size:
            raise BadArchive(f"its member {member.filename!r} is larger than it says")
    return target


def pack(folder: Path, archive: Path) -> None:
    """Make a zip of all files below a folder, in order of their names."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                opened.write(path, path.relative_to(folder).as_posix())
