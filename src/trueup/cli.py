"""The command line: parses, calls the API, prints. stdout is the result, stderr is talk."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trueup import __version__
from trueup.config import (
    CONFIG_FILE,
    Settings,
    load_settings,
    load_with_sources,
    parse_time,
)
from trueup.errors import BadUse

if TYPE_CHECKING:
    from trueup.sample.plan import Plan
    from trueup.sources.logfile import Found

app = typer.Typer(
    help="Audit balance-sync logs: who went below zero, where balances drifted apart, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


Config = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Settings; else trueup.toml of this folder, if it is there."),
]


Pseudonyms = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Put keyed hashes for the subscribers' ids; the file holds the key, "
        "else $TRUEUP_PSEUDONYM_KEY does.",
    ),
]


Endpoint = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Server that speaks the language of S3 and CloudWatch, if not AWS."
    ),
]


def _show_version(value: bool) -> None:  # noqa: FBT001
    if value:
        print(f"trueup {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


@app.command()
def audit(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Logs: files, folders, archives, - (standard input), s3:// and cloudwatch:// URLs; "
            "else $IN_DIR.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Folder for the reports; else $OUT_DIR, else trueup-report."
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Reports to write, of xlsx,html,json,csv,parquet,png; or all."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Show what happened from this time on (UTC).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Show what happened before this time (UTC).")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that read; else one per processor.")
    ] = None,
    contacts: Annotated[
        bool | None,
        typer.Option("--contacts", help="Show names, e-mails and phones where the logs have them."),
    ] = None,
    pseudonyms: Pseudonyms = None,
    csv_bom: Annotated[
        bool | None, typer.Option("--csv-bom", help="Mark CSV files as UTF-8, as Excel needs it.")
    ] = None,
    endpoint_url: Endpoint = None,
    config: Config = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON instead of text.")
    ] = False,
    generated_at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Time that the reports bear, for equal bytes."),
    ] = None,
) -> None:
    """Audit logs and write reports.

    Example: trueup audit logs/ --out report --since 2024-01-01
    """
    settings = _settings(
        config,
        out_dir=out,
        formats=formats,
        since=since,
        until=until,
        processes=processes,
        contacts=contacts,
        pseudonyms=pseudonyms,
        csv_bom=csv_bom,
        endpoint_url=endpoint_url,
    )
    _set_up_logging(settings)
    _audit(_chosen(paths, settings), settings, as_json=as_json, generated_at=generated_at)


def _chosen(paths: list[str] | None, settings: Settings) -> list[str]:
    """Return the paths to audit: those given, else that of the settings."""
    chosen = paths or ([settings.in_dir] if settings.in_dir else [])
    if not chosen:
        raise BadUse("no path given: name a log file or a folder of logs, or set IN_DIR")
    return chosen


def _audit(
    paths: list[str], settings: Settings, *, as_json: bool = False, generated_at: str | None = None
) -> None:
    from trueup.auditing import audit as run_audit
    from trueup.reports.files import make_folder

    try:
        stamp = parse_time(generated_at) if generated_at else None
    except ValueError as error:
        raise BadUse(f"generated-at: {error}") from error
    out = Path(settings.out_dir)
    make_folder(out)
    with _progress() as (on_found, on_read):
        done = run_audit(
            paths, settings=settings, generated_at=stamp, on_found=on_found, on_read=on_read
        )
    with done:
        written = done.write(out, settings.formats)
        if as_json:
            from trueup.reports.json_report import summary

            _show_json(summary(done.report))
        else:
            from trueup.reports.terminal import summary_text

            _show(summary_text(done.report, written, colour=_is_terminal(sys.stdout)))


@app.command()
def explain(
    finding: Annotated[
        str,
        typer.Argument(metavar="FINDING_ID", help="A finding's id, or 4 characters of its start."),
    ],
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="The logs that it was found in; else $IN_DIR."),
    ] = None,
    pseudonyms: Pseudonyms = None,
    endpoint_url: Endpoint = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Settings, as trueup.toml.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Prove a finding, down to the log's own lines.

    Its sums, how its gap came about, what stands around it, and the lines themselves.

    Example: trueup explain 3f9a logs/
    """
    # No report is written, so that no writer has to be loaded.
    settings = replace(
        load_settings(config, os.environ, pseudonyms=pseudonyms, endpoint_url=endpoint_url),
        formats=(),
    )
    _set_up_logging(settings)
    from trueup.auditing import audit as run_audit

    with _progress() as (on_found, on_read):
        done = run_audit(
            _chosen(paths, settings), settings=settings, on_found=on_found, on_read=on_read
        )
    with done:
        explanation = done.explain(finding)
    if as_json:
        _show_json(explanation.as_dict())
    else:
        colour = _is_terminal(sys.stdout)
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
        _show(explanation.as_text(colour=colour, width=width))


@app.command()
def verify(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder that an audit wrote to.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Compare these logs as well; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Tell whether reports are as they were written.

    The sha256 of each stands in their manifest.json.

    Exit code 1: a file is missing, changed, or not of the manifest.

    Example: trueup verify report --inputs logs/
    """
    from trueup.reports.verification_text import verification_text
    from trueup.reports.verifying import verify as compare

    done = compare(folder, inputs or ())
    if as_json:
        _show_json(done.as_dict())
    else:
        _show(verification_text(done, colour=_is_terminal(sys.stdout)))
    if not done.is_intact:
        raise typer.Exit(1)


@app.command()
def checks(
    check: Annotated[
        str | None, typer.Argument(metavar="CHECK", help="One check, with its SQL.")
    ] = None,
    time: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Time the checks on these logs; may be repeated."),
    ] = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the checks, or show one with its SQL.

    Example: trueup checks out_of_sync
    """
    from trueup.checks import chosen_checks
    from trueup.reports.listing import checks_text, times_text

    settings = _settings(config)
    if time:
        from trueup.auditing import audit as run_audit

        with run_audit(time, settings=settings) as done:
            _show(times_text(done.report.findings, done.report.counts["transactions"]))
        return
    chosen, broken = chosen_checks(settings)
    for one in broken:
        print(f"{one.file}, line {one.line}: {one.problem}", file=sys.stderr)
    known = {one.id: one for one in chosen}
    if check is not None and check not in known:
        raise BadUse(f"no such check: {check} (known: {', '.join(known)})")
    shown = [known[check]] if check else list(known.values())
    if as_json:
        _show_json([asdict(one) for one in shown])
    else:
        _show(shown[0].sql.rstrip() if check else checks_text(shown))


@app.command(name="config")
def show_config(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show every setting and where its value comes from.

    What it prints is a trueup.toml.

    Example: trueup config > trueup.toml
    """
    from trueup.reports.listing import settings_json, settings_toml

    settings, sources = load_with_sources(_config_file(config), os.environ)
    if as_json:
        _show_json(settings_json(settings, sources))
    else:
        _show(settings_toml(settings, sources))


@app.command()
def sample(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="New or empty folder to write to.")],
    subscribers: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many subscribers.")
    ] = 200,
    days: Annotated[int, typer.Option(metavar="N", min=1, help="How many days.")] = 60,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="The same seed, the same logs (default 1).")
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Plan of the faults: TOML with their rates."),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(metavar="LOGS", help="Put the faults of the plan into a copy of these logs."),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processes that write; else one per processor."),
    ] = None,
) -> None:
    """Write realistic logs with known faults, which labels.json lists.

    With --into, the faults of the plan go into a copy of the logs that are given.

    Example: trueup sample logs/ --subscribers 1000 --days 90
    """
    from trueup.sample.plan import Plan, read_plan

    plan = read_plan(faults) if faults else Plan(seed=seed or 1)
    if seed is not None:
        plan = replace(plan, seed=seed)
    if into is not None:
        if faults is None:
            raise BadUse("--into needs a plan of the faults: give it with --faults")
        _inject(Path(into), Path(folder), plan)
    else:
        _write_sample(Path(folder), plan, subscribers, days, processes or os.cpu_count() or 1)


def _write_sample(folder: Path, plan: Plan, subscribers: int, days: int, processes: int) -> None:
    from trueup.reports.terminal import plural
    from trueup.sample import write_sample

    made = write_sample(
        folder,
        subscribers=subscribers,
        days=days,
        seed=plan.seed,
        processes=processes,
        rates=plan.rates,
        factor=plan.factor,
    )
    _show(
        f"Wrote {plural(made.files, 'file')} ({made.unpacked_bytes / 1e6:,.1f} MB of text) with "
        f"{plural(made.transactions, 'transaction')} to {made.folder}; "
        f"labels.json lists {plural(made.findings, 'finding')} to be found."
    )


def _inject(logs: Path, folder: Path, plan: Plan) -> None:
    from trueup.injecting import inject
    from trueup.reports.terminal import plural

    made = inject(logs, folder, plan)
    _show(
        f"Copied {plural(made.files, 'file')} to {made.folder}, {made.edited_files:,} of them with "
        f"faults; labels.json lists {plural(made.labels, 'finding')} that the copy has more."
    )


@app.command()
def demo(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="New or empty folder to work in.")
    ] = "trueup-demo",
) -> None:
    """Make a sample, audit it, and say where to look.

    Example: trueup demo
    """
    from trueup.sample.plan import Plan

    logs, report = Path(folder) / "logs", Path(folder) / "report"
    _write_sample(logs, Plan(), 200, 60, os.cpu_count() or 1)
    _show("")
    _audit([str(logs)], _settings(None, out_dir=str(report)))
    _show(f"\nOpen {report / 'report.xlsx'}: its first page leads to everything else.")


def _settings(config: str | None, **flags: object) -> Settings:
    return load_settings(_config_file(config), os.environ, **flags)


def _config_file(config: str | None) -> str | None:
    return config or (CONFIG_FILE if Path(CONFIG_FILE).is_file() else None)


def _show(text: str) -> None:
    """Print a result; whoever reads it may leave early, as `head` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and must find somebody there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_json(value: object) -> None:
    """Print a result as JSON, with escapes for what a terminal would obey."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    _show("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def _set_up_logging(settings: Settings) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level.upper(),
        format="%(levelname)s %(name)s: %(message)s",
    )


def _is_terminal(stream: object) -> bool:
    is_terminal = getattr(stream, "isatty", None)
    return bool(is_terminal and is_terminal()) and "NO_COLOR" not in os.environ


@contextmanager
def _progress() -> Iterator[tuple[Callable[[Found], None] | None, Callable[[int], None] | None]]:
    """Yield what to call when files are found and read: a bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None, None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)

        def on_found(found: Found) -> None:
            bar.update(task, total=sum(file.size for file in found.files))

        yield on_found, lambda size: bar.advance(task, size)
