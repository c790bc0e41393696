"""check, describe, run, reload: what an administrator does at a terminal before and after publishing."""

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from qanat_common import logs
from qanat_common.errors import QanatError
from qanat_common.protocol import Refusal
from qanat_worker import desk, folders, given, telling
from qanat_worker.children import EngineFailed
from qanat_worker.desk import Desk, Files, JobEnded
from qanat_worker.port import Produced, ProducedFile
from qanat_worker.processes import signal_process
from qanat_worker.settings import Settings, WorkerSettings

FAILED, WRONG = 1, 2
"""What a command ends with: what was asked for did not work; it was not understood."""

PUBLISHED = ("model:", "script:", "plugin:")
"""How the ids of what lies in the folders of models, scripts and plugins begin."""

KINDS = {".model3": "models", ".py": "scripts"}
"""Suffix of a file → the kind of thing that it publishes; a folder is a plugin."""

Try = Annotated[
    list[Path] | None,
    typer.Option(
        "-t",
        "--try",
        metavar="PATH",
        exists=True,
        help="A model (.model3), a script (.py) or the folder of a plugin that is not published yet."
        " May be given several times.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def check(
    context: typer.Context,
    pattern: Annotated[
        str, typer.Argument(help="Only ids with this in them, or of this pattern with * and ?.")
    ] = "",
    tried: Try = None,
    as_json: AsJson = False,
) -> None:
    """Print what would be offered, and what not and why.

    Ends with status 1 when a model, script or plugin cannot be published.

    For example: qanat-worker check -t roads.model3 roads
    """
    with _at_desk(context.obj, tried or []) as bench:
        found = telling.Checked.of(bench.able, pattern)
    _write(json.dumps(found.document(), indent=1, ensure_ascii=False) if as_json else found.table())
    if any(_is_published(refusal) for refusal in found.refused):
        raise typer.Exit(FAILED)


def _is_published(refusal: Refusal) -> bool:
    return refusal.id.startswith(PUBLISHED)


def describe(
    context: typer.Context,
    process_id: Annotated[str, typer.Argument(metavar="ID", help="As native:buffer.")],
    tried: Try = None,
    as_json: AsJson = False,
) -> None:
    """Print what a process takes and gives; --json prints the description that clients get.

    For example: qanat-worker describe native:buffer
    """
    with _at_desk(context.obj, tried or []) as bench, _told():
        process = bench.process(process_id)
    document = json.dumps(process.document(), indent=1, ensure_ascii=False)
    _write(document if as_json else telling.description(process))


def run(
    context: typer.Context,
    process_id: Annotated[str, typer.Argument(metavar="ID", help="As native:buffer.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "-i",
            "--input",
            metavar="NAME=VALUE",
            help="An input: a text, a number, JSON; @PATH or, where the input is a layer, PATH is a file of"
            " this machine; http(s)://… is fetched. Again for each value of an input of several.",
        ),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="NAME[=MEDIA_TYPE]",
            help="An output that is wanted, and in which format; all, in their first, when none is given.",
        ),
    ] = None,
    folder: Annotated[
        Path, typer.Option("-f", "--folder", help="Where files of results are put.")
    ] = Path(),
    tried: Try = None,
    as_json: AsJson = False,
) -> None:
    """Run a process here, confined and limited as a job of a client is.

    For example: qanat-worker run native:buffer -i INPUT=roads.gpkg -i DISTANCE=50 -o OUTPUT=text/csv

    With -d (before the command) all that the job says is shown, and where a script has failed.
    Ends with status 1 when the job has failed, with 2 when what is given is wrong.
    """
    listener = telling.Progress(sys.stderr, debug=_debugs(context))
    with _at_desk(context.obj, tried or []) as bench, _told():
        process = bench.process(process_id)
        values, files = given.inputs_of(process, inputs or [])
        asked = given.outputs_of(process, outputs or [])
        with listener:
            made = bench.run(process, values, Files(files), asked, listener)
        told = {name: _kept(output, folder) for name, output in made.items()}
    _write(json.dumps(told, indent=1, ensure_ascii=False) if as_json else telling.results(told))


def reload(context: typer.Context) -> None:
    """Have running workers load models, scripts, plugins and projects anew; running jobs go on.

    Those of this machine with the same worker.work_folder, so give the settings that they have.

    For example: qanat-worker -c q.toml reload
    """
    settings: Settings = context.obj
    reload_those_of(settings.worker.work_folder)


def reload_those_of(work_folder: Path) -> None:
    """Tell all workers that share a work folder; ends the command with status 1 where there is none."""
    found = folders.residents(work_folder)
    if not found:
        _end(f"no worker of yours runs here with worker.work_folder = {work_folder}", FAILED)
    for pid in found:
        signal_process(pid, signal.SIGHUP)
        _write(f"told the worker of process {pid}")


def _kept(output: Produced, folder: Path) -> dict[str, Any]:
    """What is told of an output; its file is put where it is wanted."""
    if not isinstance(output, ProducedFile):
        return {"value": output.value}
    folder.mkdir(parents=True, exist_ok=True)
    path = _free(folder / output.name)
    shutil.copyfile(output.path, path)
    return {"file": str(path), "mediaType": output.media_type, "bytes": path.stat().st_size}


def _free(path: Path) -> Path:
    """A path at which there is no file yet."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in range(2, 10_000))
    return path if not path.exists() else next(each for each in numbered if not each.exists())


@contextmanager
def _at_desk(settings: Settings, tried: list[Path]) -> Iterator[Desk]:
    level = settings.log.level
    logs.setup("debug" if level == "debug" else "warning", settings.log.format)
    with tempfile.TemporaryDirectory(prefix="qanat-try-") as folder:
        mine = _with(settings.worker, tried, Path(folder))
        try:
            with desk.at(mine, level) as bench:
                yield bench
        except EngineFailed as error:
            _end(f"worker.engine = {mine.engine!r} cannot be started: {error}", FAILED)


def _with(settings: WorkerSettings, tried: list[Path], folder: Path) -> WorkerSettings:
    """The settings, with what is not published yet in folders of its own."""
    found: dict[str, list[Path]] = {}
    for path in tried:
        kind = "plugins" if path.is_dir() else KINDS.get(path.suffix)
        if kind is None:
            _end(f"{path}: is neither .model3, .py nor the folder of a plugin", WRONG)
        place = folder / kind
        place.mkdir(exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, place / path.resolve().name)
        found[kind] = [*getattr(settings.qgis, kind), place]
    return settings.model_copy(update={"qgis": settings.qgis.model_copy(update=found)})


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except given.Unclear as error:
        _end(str(error), WRONG)
    except QanatError as error:
        _end(error.detail, WRONG)
    except JobEnded as error:
        _end(str(error), FAILED)


def _end(why: str, status: int) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(status)


def _write(text: str) -> None:
    typer.echo(text)


def _debugs(context: typer.Context) -> bool:
    settings: Settings = context.obj
    return settings.log.level == "debug"


VERBS: Mapping[str, Callable[..., None]] = {
    "check": check,
    "describe": describe,
    "run": run,
    "reload": reload,
}
"""What a command line says → what it does."""
