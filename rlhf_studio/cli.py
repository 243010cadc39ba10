"""The command line: parse, make one call on the studio, print.

Status 0 means that what was asked for was done; a user's mistake gives one line and status 2.
Torch and gradio are imported inside the commands that need them, so that --help never waits.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from rlhf_studio import __version__
from rlhf_studio.core.config import RewardTerm, RunConfig, knobs, parse_config
from rlhf_studio.core.errors import InvalidInput, StudioError
from rlhf_studio.core.events import Failed, Finished, Metrics, Stage, StoredEvent, Warning
from rlhf_studio.core.preferences import AnnotatorKind
from rlhf_studio.core.runs import RunRecord
from rlhf_studio.core.settings import DEFAULT_PROJECT, settings_from_environment
from rlhf_studio.studio import Studio

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="People's preferences in, aligned language models out.")  # fmt: skip
models = typer.Typer(no_args_is_help=True, help="Add, list and remove models.")
prompts = typer.Typer(no_args_is_help=True, help="Prompts in a project.")
preferences = typer.Typer(no_args_is_help=True, help="Preferences in and out.")
train = typer.Typer(no_args_is_help=True, help="Train a reward model or align a policy.")
runs = typer.Typer(no_args_is_help=True, help="Look at runs, follow or end them.")
for _name, _group in (("models", models), ("prompts", prompts), ("preferences", preferences),
                      ("train", train), ("runs", runs)):  # fmt: skip
    app.add_typer(_group, name=_name)

Project = Annotated[str, typer.Option("--project", help="The project.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Set a knob; may be repeated.")]
Detach = Annotated[bool, typer.Option("--detach", help="Start and return; follow with `runs tail`.")]
_POLL_SECONDS = 0.5


def main() -> None:
    """Run the command line with errors as one line."""
    try:
        app()
    except StudioError as error:
        print(f"rlhf-studio: {error}", file=sys.stderr)
        sys.exit(2)


@contextmanager
def _studio(project: str | None = None) -> Iterator[Studio]:
    studio = Studio(settings_from_environment())
    try:
        if project is not None:
            studio.open_project(project)
        yield studio
    finally:
        studio.close()


def _print(value: Any, as_json: bool, lines: Iterator[str] | list[str]) -> None:
    if as_json:
        print(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))
    else:
        for line in lines:
            print(line)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path | datetime):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 7860,
    project: Project = DEFAULT_PROJECT,
) -> None:
    """Open the studio in the browser."""
    with _studio() as studio:
        studio.open_project(project, starter_content=True)
        from rlhf_studio.app import serve as serve_app

        serve_app(studio, host=host, port=port, project=project)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for report.html.")] = Path("demo"),
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    seed: Annotated[int, typer.Option(help="Start of the random numbers.")] = 0,
    model: Annotated[str, typer.Option(help="The model to start from.")] = "starter",
    labels: Annotated[int, typer.Option(help="Votes of the simulated annotator.", min=20)] = 200,
    steps: Annotated[int, typer.Option(help="GRPO steps.", min=1)] = 20,
    held_out: Annotated[int, typer.Option(help="Held-out prompts to compare on.", min=10)] = 100,
) -> None:
    """Run the whole loop with a simulated annotator and write a report."""
    from rlhf_studio.studio.demo import DemoPlan, run_demo

    plan = DemoPlan(model=model, seed=seed, labels=labels, steps=steps, held_out=held_out)
    with _studio() as studio:
        run_demo(studio, plan, out=out, json_file=json_file, report=lambda line: print(line, flush=True))


@app.command()
def doctor(
    once: Annotated[bool, typer.Option("--once", help="Do nothing where the speed was measured before.")] = False,
    as_json: Json = False,
) -> None:
    """Check this machine and measure its speed, from which forms say how long a run takes."""
    from rlhf_studio.models.machine_speed import load_speed, save_speed

    if once and load_speed(settings_from_environment().home):
        return
    from rlhf_studio.models.hardware import probe_hardware
    from rlhf_studio.models.speed import measure_speed

    with _studio() as studio:
        hardware = probe_hardware()
        starter = studio.models.add("starter", report=lambda line: print(line, file=sys.stderr, flush=True))
        speed = measure_speed(starter.path, hardware)
        save_speed(studio.settings.home, speed)
        found = {
            "home": studio.settings.home,
            "device": hardware.name,
            "precision": str(hardware.dtype),
            **asdict(speed),
        }
        _print(found, as_json, [f"{key}: {value}" for key, value in found.items()])


@models.command("add")
def models_add(
    source: Annotated[str, typer.Argument(help="starter, a directory, or a Hugging Face id.")],
    name: Annotated[str | None, typer.Option(help="What to call it here.")] = None,
    as_json: Json = False,
) -> None:
    """Register a model; the starter is fetched and converted once."""
    with _studio() as studio:
        record = studio.models.add(source, name=name, report=lambda line: print(line, file=sys.stderr, flush=True))
        _print(record, as_json, [f"{record.id} is in {record.path}"])


@models.command("list")
def models_list(as_json: Json = False) -> None:
    """List the models."""
    with _studio() as studio:
        records = studio.models.all()
        _print(records, as_json, [f"{r.id:<20} {r.kind:<13} {r.base_id or '':<12} {r.note}" for r in records])


@models.command("show")
def models_show(model: str, as_json: Json = False) -> None:
    """Show a model with its lineage and figures."""
    with _studio() as studio:
        record = studio.models.get(model)
        _print(record, as_json, [f"{key}: {value}" for key, value in asdict(record).items()])


@models.command("rm")
def models_rm(model: str, as_json: Json = False) -> None:
    """Remove a model that nothing rests on."""
    with _studio() as studio:
        studio.models.remove(model)
        _print({"removed": model}, as_json, [f"{model} is removed"])


@prompts.command("import")
def prompts_import(file: Path, project: Project = DEFAULT_PROJECT, as_json: Json = False) -> None:
    """Import prompts from JSONL, JSON, CSV or text."""
    _import(file, project, as_json, wanted={"prompts"})


@prompts.command("list")
def prompts_list(
    project: Project = DEFAULT_PROJECT,
    limit: Annotated[int, typer.Option(help="How many to list.")] = 50,
    as_json: Json = False,
) -> None:
    """List prompts."""
    with _studio(project) as studio:
        found = studio.data.prompts(project, limit=limit)
        _print(found, as_json, [f"{p.id}  {p.split:<5}  {p.text.splitlines()[0][:100]}" for p in found])


@app.command()
def generate(
    model: Annotated[str, typer.Option(help="The policy that answers.")] = "starter",
    per_prompt: Annotated[int, typer.Option(help="Completions for each prompt.")] = 2,
    project: Project = DEFAULT_PROJECT,
    values: Set = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Sample completions and pair them up for annotators."""
    _start("generate", {"model": model, "per_prompt": per_prompt}, values, project, detach, as_json)


@app.command()
def label(
    annotator: Annotated[str, typer.Option(help="simulated:TASTE[:NOISE[:SEED]], such as simulated:concise:0.25")],
    count: Annotated[int, typer.Option(help="How many comparisons to answer.", min=1)],
    project: Project = DEFAULT_PROJECT,
    as_json: Json = False,
) -> None:
    """Let a machine annotator answer; its answers are always marked as such."""
    from rlhf_studio.preferences.simulated import simulated_annotator

    with _studio(project) as studio:
        answered = studio.data.simulate(project, simulated_annotator(annotator), count)
        _print({"answered": answered}, as_json, [f"{answered} comparisons answered by {annotator}"])


@preferences.command("import")
def preferences_import(file: Path, project: Project = DEFAULT_PROJECT, as_json: Json = False) -> None:
    """Import prompt, chosen, rejected (preferences) or prompt, a, b (pairs to vote on)."""
    _import(file, project, as_json, wanted={"preferences", "comparisons"})


@preferences.command("export")
def preferences_export(
    file: Path,
    project: Project = DEFAULT_PROJECT,
    simulated: Annotated[bool, typer.Option("--simulated", help="Export the simulated annotators' instead.")] = False,
    as_json: Json = False,
) -> None:
    """Write preferences as TRL's conversational JSONL: prompt, chosen, rejected."""
    kinds: tuple[AnnotatorKind, ...] = ("simulated",) if simulated else ("human",)
    with _studio(project) as studio:
        written = studio.data.export_preferences(project, file, kinds=kinds)
        _print({"written": written, "file": file}, as_json, [f"{written} preferences written to {file}"])


@preferences.command("stats")
def preferences_stats(project: Project = DEFAULT_PROJECT, as_json: Json = False) -> None:
    """Count the answers by kind of annotator."""
    with _studio(project) as studio:
        votes = studio.data.votes(project)
        lines = [f"{kind:<10} " + "  ".join(f"{c} {n}" for c, n in counts.items()) for kind, counts in votes.items()]
        _print(votes, as_json, lines)


@train.command("rm")
def train_rm(
    project: Project = DEFAULT_PROJECT, values: Set = None, detach: Detach = False, as_json: Json = False
) -> None:
    """Train a reward model on the project's preferences."""
    _start("rm", {}, values, project, detach, as_json)


@train.command("grpo")
def train_grpo(
    reward: Annotated[
        list[str] | None, typer.Option(metavar="REF=WEIGHT", help="A reward model's id or a rule.")
    ] = None,
    project: Project = DEFAULT_PROJECT,
    values: Set = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Align a policy with GRPO against a reward, or a weighted mix of them."""
    terms = [_reward_term(text) for text in reward or []]
    _start("grpo", {"rewards": terms}, values, project, detach, as_json)


@app.command()
def compare(
    model: Annotated[list[str], typer.Option("--models", help="Name each model with its own --models.")],
    more: Annotated[list[str] | None, typer.Argument(help="More models.")] = None,
    project: Project = DEFAULT_PROJECT,
    values: Set = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Put models side by side on held-out prompts; the others are measured against the first."""
    _start("compare", {"models": [*model, *(more or [])]}, values, project, detach, as_json)


@runs.command("list")
def runs_list(project: Project = DEFAULT_PROJECT, as_json: Json = False) -> None:
    """List runs, newest first."""
    with _studio(project) as studio:
        found = studio.runs.all(project)
        _print(found, as_json, [f"{r.id:<14} {r.status:<10} {r.created_at:%Y-%m-%d %H:%M}" for r in found])


@runs.command("show")
def runs_show(run: str, as_json: Json = False) -> None:
    """Show a run with its result."""
    with _studio() as studio:
        view = studio.runs.view(run)
        lines = [f"{view.record.id}: {view.record.status}, {view.stage}, step {view.step} of {view.total_steps or '?'}"]
        if view.failure:
            lines.append(view.failure)
        lines += [f"{key}: {value}" for key, value in view.result.items() if key != "prompts"]
        _print(view, as_json, lines)


@runs.command("tail")
def runs_tail(run: str) -> None:
    """Follow a run to its end."""
    with _studio() as studio:
        _follow(studio, studio.runs.get(run), quiet=False)


@runs.command("cancel")
def runs_cancel(run: str, as_json: Json = False) -> None:
    """End a run at its next step."""
    with _studio() as studio:
        record = studio.runs.cancel(run)
        _print(record, as_json, [f"{run}: {'will end at its next step' if not record.ended else record.status}"])


def _import(file: Path, project: str, as_json: bool, *, wanted: set[str]) -> None:
    with _studio(project) as studio:
        kind = studio.data.preview(file).kind
        if kind not in wanted:
            other = "prompts" if kind == "prompts" else "preferences"
            raise InvalidInput(f"{file.name} holds {kind}. Import it with: rlhf-studio {other} import {file}")
        done = studio.data.import_file(project, file)
        _print(done, as_json, [f"{done.added} {done.kind} imported, {done.already_there} were there already"])


def _reward_term(text: str) -> RewardTerm:
    name, _, weight = text.partition("=")
    try:
        return RewardTerm(reward=name, weight=float(weight or 1))
    except ValueError as error:
        raise InvalidInput(f"--reward {text}: write REF=WEIGHT, such as rm-1=1 or short=0.2.") from error


def _config(kind: str, named: dict[str, Any], values: list[str] | None) -> RunConfig:
    settings: dict[str, Any] = dict(named)
    for text in values or []:
        name, equals, value = text.partition("=")
        if not equals or name not in knobs(kind):
            raise InvalidInput(f"--set {text}: write KNOB=VALUE. {kind} has: {', '.join(knobs(kind))}.")
        settings[name] = value
    return parse_config(kind, settings)


def _start(
    kind: str, named: dict[str, Any], values: list[str] | None, project: str, detach: bool, as_json: bool
) -> None:
    with _studio(project) as studio:
        record = studio.runs.start(project, _config(kind, named, values))
        if not detach:
            _follow(studio, record, quiet=as_json)
        view = studio.runs.view(record.id)
        _print(view, as_json, [f"{record.id} {view.record.status}"] if detach else [])


def _follow(studio: Studio, record: RunRecord, *, quiet: bool) -> None:
    """Print a run's events to its end; a run that did not finish ends the command with status 1."""
    after = 0
    while True:
        studio.supervisor.tick()
        record = studio.runs.get(record.id)
        for stored in studio.runs.events(record.id, after=after):
            after = stored.seq
            line = _line(stored)
            if line and not quiet:
                print(f"{record.id}  {line}", flush=True)
        if record.ended:
            break
        time.sleep(_POLL_SECONDS)
    if record.status != "finished":
        print(f"rlhf-studio: {record.id} {record.status}", file=sys.stderr)
        raise typer.Exit(1)


def _line(stored: StoredEvent) -> str | None:
    match stored.event:
        case Stage(text=text, total_steps=total):
            return f"{text} ({total} steps)" if total else text
        case Metrics(step=step, values=values):
            return f"step {step}  " + "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        case Warning(plain_words=words):
            return f"note: {words}"
        case Failed(cause=cause):
            return f"failed: {cause}"
        case Finished(result=result):
            return "finished  " + "  ".join(f"{k} {v}" for k, v in result.items() if k not in ("prompts", "models"))
    return None


if __name__ == "__main__":
    main()
