"""The commands report and explore: a model as a page. They import palate when they run."""

# ruff: noqa: PLC0415, PLR0917

from pathlib import Path
from typing import Annotated, Any

import typer

from palate.cli import _output
from palate.cli._app import Json, ModelFolder, app, examples


@app.command(
    epilog=examples(
        "palate report model -o report.html",
        "palate report model -o report.html --user 196 --evaluate",
    ),
)
def report(
    model: ModelFolder,
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file to write.")],
    user: Annotated[
        str | None, typer.Option(help="The id of the user to portray; by default a typical one.")
    ] = None,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate",
            help="Measure the accuracy of the model's solver and of baselines, fitted to four "
            "fifths of the ratings.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Write a report of a model in one HTML file that works offline."""
    import palate
    from palate import plots
    from palate.plots._write import check_path

    check_path(output)
    loaded = palate.load(model)
    evaluation = None
    if evaluate:
        from palate.solvers._combined import Combined
        from palate.solvers._registry import solver_by_name

        ratings = loaded.learned.require_users()
        solver: Any = solver_by_name(loaded.fit.solver, loaded.fit.settings)
        if loaded.learned.has_ratings and loaded.learned.choice is not None:
            solver = Combined(solver)
        evaluation = palate.evaluate(ratings, [solver], split="random", progress=_output.to_stderr)
    plots.report(loaded, output, user=user, evaluation=evaluation)
    if json:
        _output.document(report=str(output))
    else:
        _output.line(f"The report is in {output}. Open it in a browser.")


@app.command(
    epilog=examples(
        "palate explore model",
        "palate explore model --port 8080 --no-browser",
        "palate explore models/june models/july",
        "palate explore model --host 0.0.0.0 --workers 4 --reload-model --access-log",
    ),
)
def explore(
    model: ModelFolder,
    other: Annotated[
        Path | None,
        typer.Argument(
            help="The folder of another model: the page gets a view that compares the two.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[
        int,
        typer.Option(
            help="The number of processes; they share the arrays of the model.", min=1, max=64
        ),
    ] = 1,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
    reload_model: Annotated[
        bool,
        typer.Option(
            "--reload-model", help="Load a new model whenever one is saved in the folder."
        ),
    ] = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Write a line of JSON to stderr for each request.")
    ] = False,
) -> None:
    """Explore a model in the browser, try it with your own ratings, and serve it over HTTP.

    If PALATE_TOKEN is set in the environment, requests require it as a bearer token.
    """
    from palate import web

    settings = web.Settings(
        folder=str(model),
        host=host,
        port=port,
        workers=workers,
        reload_model=reload_model,
        access_log=access_log,
        other=None if other is None else str(other),
    )
    web.serve(settings, browser=not no_browser, ready=_output.to_stderr)
