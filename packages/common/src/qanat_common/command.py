"""The command line that every service has: -d, -c, --dump-config, --version."""

import logging
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from qanat_common import logs, tracing, unguarded
from qanat_common.settings import SettingsError, T, dump, load

logger = logging.getLogger(__name__)


def command(
    name: str,
    package: str,
    model: type[T],
    run: Callable[[T], None],
    about: str,
    more: Mapping[str, Callable[..., None]] | None = None,
) -> typer.Typer:
    """The console command of a service: reads its settings, sets up logging, runs it.

    `package` is the distribution whose version --version prints. Wrong settings end it with
    status 2 and a line that says what to mend. `more` are commands beside it: each finds the
    settings in its context (`typer.Context.obj`).
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.callback(help=about, invoke_without_command=True)
    def main(
        context: typer.Context,
        debug: Annotated[
            bool, typer.Option("-d", "--debug", help="Write debug lines (log.level = debug).")
        ] = False,
        config: Annotated[
            Path | None,
            typer.Option(
                "-c",
                "--config",
                metavar="PATH",
                envvar="QANAT_CONFIG",
                help="A TOML file of settings. The environment (QANAT_…, __ for nesting, such as"
                " QANAT_API__PORT=9080) goes before it.",
            ),
        ] = None,
        dump_config: Annotated[
            bool,
            typer.Option(
                "--dump-config",
                help="Print every setting in force as TOML, with its meaning and where it came"
                " from, and end. Its output is a good start for a file of your own.",
            ),
        ] = False,
        version: Annotated[
            bool, typer.Option("--version", help="Print the version, and end.")
        ] = False,
    ) -> None:
        if version:
            typer.echo(f"{name} {installed_version(package)}")
            return
        try:
            loaded = load(model, config, {"log": {"level": "debug"}} if debug else {})
        except SettingsError as error:
            typer.echo(f"{name}: {error}", err=True)
            sys.exit(2)
        context.obj = loaded.settings
        if context.invoked_subcommand:
            return
        if dump_config:
            typer.echo(dump(loaded), nl=False)
            return
        logs.setup(loaded.settings.log.level, loaded.settings.log.format)
        for warning in unguarded.warnings(loaded.settings):
            logger.warning("%s", warning)
        tracing.setup(loaded.settings.traces, name)
        run(loaded.settings)

    for word, does in (more or {}).items():
        app.command(word)(does)
    return app
