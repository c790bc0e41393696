"""The command qanat-worker: settings → warm parent → Celery worker."""

import logging
import signal
import sys
import uuid
from contextlib import ExitStack, closing
from pathlib import Path
from types import FrameType
from typing import NoReturn

from qanat_common.command import command
from qanat_common.monitor import Monitor
from qanat_common.signing import Seal
from qanat_common.storage import Storage
from qanat_common.store import Store
from qanat_worker import verbs
from qanat_worker.broker import JobWorker, Mouth, Parts, make_app, make_queues
from qanat_worker.children import Children, EngineFailed
from qanat_worker.clearing import Clearing
from qanat_worker.confinement import is_complete
from qanat_worker.fetch import Fetcher
from qanat_worker.folders import own_folder
from qanat_worker.herald import Herald
from qanat_worker.launch import engine_start
from qanat_worker.presence import identity
from qanat_worker.pulse import Pulse
from qanat_worker.runner import Runner
from qanat_worker.settings import Settings, WorkerSettings
from qanat_worker.stopper import STOPS, Stopper
from qanat_worker.tally import Tally
from qanat_worker.warm import Capabilities
from qanat_worker.watch import Watch

logger = logging.getLogger("qanat_worker")


def run(settings: Settings) -> None:
    """Serve until told to stop."""
    for number in STOPS:
        signal.signal(number, _stop_while_starting)
    signal.signal(signal.SIGHUP, _load_anyway)
    boot = uuid.uuid4().hex
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(own_folder(settings.worker.work_folder, boot))
        except OSError as error:
            _give_up(f"worker.work_folder: {settings.worker.work_folder}: {error.strerror}")
        sys.exit(_serve(settings, boot, folder, stack))


def _serve(settings: Settings, boot: str, folder: Path, stack: ExitStack) -> int:
    mine = settings.worker
    store = stack.enter_context(closing(Store(settings.store_url)))
    who = identity(mine, boot)
    app = make_app(settings.broker_url, mine)
    herald = Herald(mine, who, store, Mouth(app).publish)
    queues, mender = make_queues(app, store, mine)

    tally = Tally(mine.slots)

    def able(capabilities: Capabilities) -> None:
        tally.runs(capabilities.versions.get("qgis", ""))
        queues.follow(capabilities.offer)
        herald.able(capabilities)

    children = Children(engine_start(mine, folder, settings.log.level), able, tally)
    stack.callback(children.close)
    watch = Watch(mine.qgis.code, children.reload, mine.qgis.projects)
    _start(children, mine)
    _check_sandbox(children.sandbox, mine)
    pulse, storage = Pulse(store, boot), Storage(settings.storage_url)
    clearing = stack.enter_context(closing(Clearing()))
    runner = Runner(
        boot=boot,
        folder=folder,
        limits=mine.limits,
        max_attempts=mine.max_attempts,
        children=children,
        fetcher=Fetcher(mine.fetch, storage, tally),
        pulse=pulse,
        store=store,
        storage=storage,
        tally=tally,
        later=clearing.later,
        picture=mine.picture_pixels,
    )
    monitor = Monitor(
        mine.monitor,
        {
            "store": store.ping,
            "engine": children.check,
            "broker": herald.check,
            "queues": mender.check,
        },
        tally.metrics,
        lambda: {"sandbox": children.sandbox},
    )
    worker = JobWorker(
        app, who, Parts(runner, herald, pulse, store, queues, Seal(settings.job_secret))
    )
    herald.start()
    pulse.start()
    watch.start()
    monitor.start()
    Stopper(mine.drain_timeout, worker.drain, runner.give_back, children.reload).start()
    worker.start()
    pulse.leave()
    herald.leave()
    logger.info("stopped")
    return int(worker.exitcode or 0)


def _start(children: Children, settings: WorkerSettings) -> None:
    try:
        children.start()
    except EngineFailed as error:
        _give_up(
            f"worker.engine = {settings.engine!r} cannot be started: {error}. For qgis, install"
            " QGIS (apt install python3-qgis), and see worker.qgis.python_paths, prefix_path."
        )


def _check_sandbox(level: str, settings: WorkerSettings) -> None:
    if settings.sandbox == "required" and not is_complete(level):
        _give_up(
            f"worker.sandbox = 'required', but jobs are confined here by: {level}. It takes a kernel with"
            " Landlock (Linux 5.13, listed in /sys/kernel/security/lsm) and seccomp, and a container"
            " that allows both; or worker.sandbox = 'best-effort'."
        )
    logger.info("jobs are confined by: %s", level)


def _give_up(why: str) -> NoReturn:
    logger.error("%s", why)
    sys.exit(1)


def _stop_while_starting(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def _load_anyway(_number: int, _frame: FrameType | None) -> None:
    """Told to load anew what is just being loaded."""


main = command(
    "qanat-worker",
    "qanat-worker",
    Settings,
    run,
    "Runs the jobs of a service, each in a process of its own, and announces what it offers.",
    verbs.VERBS,
)

if __name__ == "__main__":
    main()
