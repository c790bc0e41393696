"""The command pyqgiswps: settings → embedded Valkey, registry, worker, api → supervised until the end."""

import logging
import sys
from contextlib import ExitStack

import typer

from qanat.flusher import Flusher
from qanat.folder import DataFolder
from qanat.parts import service_parts, settings_file
from qanat.problems import CannotStart, check
from qanat.process import Part
from qanat.settings import WORK, Settings, base_url, settle
from qanat.supervisor import Supervisor, Told
from qanat.telling import InLog, OnTerminal
from qanat.valkey import Valkey
from qanat_common.command import command
from qanat_worker.verbs import reload_those_of

logger = logging.getLogger("qanat")


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    try:
        _serve(settings)
    except CannotStart as error:
        if sys.stderr.isatty():
            typer.echo(f"pyqgiswps: {error}", err=True)
        else:
            logger.critical("cannot start: %s", error)
        sys.exit(1)


def _serve(given: Settings) -> None:
    folder = DataFolder(given.server.data_folder)
    given = given.model_copy(
        update={"server": given.server.model_copy(update={"data_folder": folder.path})}
    )
    stages: list[list[Part]] = []
    broker_url = store_url = ""
    with ExitStack() as beside:
        if given.embedded:
            valkey = Valkey(folder, given.server.valkey_binary, given.server.fsync)
            broker_url, store_url = valkey.broker_url, valkey.store_url
            stages.append([valkey.part()])
            if given.server.fsync == "everysec":
                beside.enter_context(Flusher(valkey.appended))
        settings = settle(_quiet(given), broker_url, store_url)
        check(settings)
        file = beside.enter_context(settings_file(settings, folder.run))
        stages.append(service_parts(settings, file))
        Supervisor(stages, _told(settings)).run()


def _quiet(settings: Settings) -> Settings:
    """On a terminal the parts speak up from warning on, unless a level was asked for."""
    if not sys.stdout.isatty() or "level" in settings.log.model_fields_set:
        return settings
    return settings.model_copy(update={"log": settings.log.model_copy(update={"level": "warning"})})


def _told(settings: Settings) -> Told:
    url = settings.api.base_url or base_url(settings.api.host, settings.api.port)
    if sys.stdout.isatty():
        return OnTerminal(url, settings.worker.drain_timeout)
    return InLog(url)


def reload(context: typer.Context) -> None:
    """Have a running pyqgiswps load models, scripts, plugins and projects anew; running jobs go on.

    The one of the same server.data_folder, so give the settings that it has (-c before the command).
    """
    settings: Settings = context.obj
    given = "work_folder" in settings.worker.model_fields_set
    folder = settings.server.data_folder.absolute() / WORK
    reload_those_of(settings.worker.work_folder if given else folder)


main = command(
    "pyqgiswps",
    "qanat",
    Settings,
    run,
    "QGIS Processing as OGC API - Processes, all on this machine: a Valkey of its own, registry,"
    " worker and api.",
    {"reload": reload},
)

if __name__ == "__main__":
    main()
