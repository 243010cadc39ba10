"""Data: what a project holds, files in, preferences out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from markupsafe import Markup

from rlhf_studio.core.errors import StudioError
from rlhf_studio.ui import icons
from rlhf_studio.ui.boundary import attempt
from rlhf_studio.ui.html import EMPTY, done, h, join, page_head, problem, prompt_text
from rlhf_studio.ui.page import FAST, body
from rlhf_studio.ui.texts import Texts, texts_for

if TYPE_CHECKING:
    from rlhf_studio.core.preferences import AnnotatorKind, Choice
    from rlhf_studio.core.prompts import Prompt
    from rlhf_studio.preferences.formats import FileKind
    from rlhf_studio.studio import Studio
    from rlhf_studio.studio.data import FilePreview, ImportReport

_PROMPTS_SHOWN = 50
_KINDS = {"prompts": "Prompts", "comparisons": "Pairs of answers", "preferences": "Preferences"}
_FILE_TYPES = [".jsonl", ".json", ".csv"]
_FETCH = """() => setTimeout(() => document.getElementById("rs-export-file")?.click(), 50)"""


def build(pages: gr.Blocks, studio: "Studio", project: str) -> None:
    """Put the page together."""
    with gr.Column(elem_classes="rs-page", elem_id="rs-main"):
        there = body("rs-data-there")
        upload = gr.File(
            label="JSONL, JSON, CSV",
            file_types=_FILE_TYPES,
            elem_id="rs-upload",
            height=150,
            container=True,
            show_label=False,
        )
        preview = body("rs-preview")
        export = body("rs-export")
        prompts = body("rs-prompts")
    ready = gr.DownloadButton(visible="hidden", elem_id="rs-export-file")

    def load(request: gr.Request) -> tuple[str, str, str]:
        t = texts_for(request)
        return there_html(studio, project, t), export_html(studio, project, t), prompts_html(studio, project, t)

    def look(path: str | None, request: gr.Request) -> str:
        t = texts_for(request)
        return preview_html(attempt(lambda: studio.data.preview(Path(path))), t) if path else EMPTY

    def take(path: str | None, request: gr.Request) -> tuple[object, ...]:
        t = texts_for(request)
        if not path:
            return gr.skip(), gr.skip(), problem(t("Choose a file first.")), gr.skip(), gr.skip()
        report = attempt(lambda: studio.data.import_file(project, Path(path)))
        if isinstance(report, StudioError):
            return gr.skip(), gr.skip(), problem(report), gr.skip(), gr.skip()
        return (
            there_html(studio, project, t),
            None,
            imported_html(report, t),
            export_html(studio, project, t),
            prompts_html(studio, project, t),
        )

    def write(request: gr.Request, event: gr.EventData) -> tuple[object, object]:
        t = texts_for(request)
        simulated = event._data.get("whose") == "all"
        path = studio.settings.exports_dir / f"preferences-{project}{'-with-simulated' if simulated else ''}.jsonl"
        kinds: tuple[AnnotatorKind, ...] = ("human", "simulated", "judge") if simulated else ("human",)
        count = attempt(lambda: studio.data.export_preferences(project, path, kinds=kinds))
        if isinstance(count, StudioError):
            return gr.skip(), export_html(studio, project, t, error=str(count))
        return str(path), export_html(studio, project, t, written=count)

    pages.load(load, None, [there, export, prompts], **FAST)
    upload.upload(look, [upload], [preview], **FAST)
    upload.clear(lambda: EMPTY, None, [preview], **FAST)
    preview.click(take, [upload], [there, upload, preview, export, prompts], **FAST)
    export.click(write, None, [ready, export], **FAST).success(None, None, None, js=_FETCH)


def there_html(studio: "Studio", project: str, t: Texts) -> str:
    """Return what is there in figures; people's votes and simulated ones apart."""
    overview = attempt(lambda: studio.overview.of(project))
    lead = t("Bring your own prompts, pairs or votes, and take the votes out again.")
    if isinstance(overview, StudioError):
        return h("{}{}", page_head(t("Data"), lead), problem(overview))
    figures = [
        (t("Prompts to learn from"), overview.prompts.get("train", 0)),
        (t("Prompts held out"), overview.prompts.get("eval", 0)),
        (t("Pairs waiting"), overview.waiting),
        (t("Votes of people"), overview.votes),
        (t("Simulated votes"), overview.simulated_votes),
    ]
    cells = join(h("<div><dd>{}</dd><dt>{}</dt></div>", f"{n:,}", name) for name, n in figures)
    return h(
        '{}<dl class="rs-counts">{}</dl><h2 class="rs-part">{}</h2><p class="rs-hint">{}</p>',
        page_head(t("Data"), lead),
        cells,
        t("Import a file"),
        t(
            "JSONL, JSON or CSV. Columns: prompt; or prompt, a, b; or prompt, chosen, rejected. Nothing has "
            "to be mapped."
        ),
    )


def preview_html(preview: "FilePreview | StudioError", t: Texts) -> str:
    """Return what a file holds and its first rows with the import button, or what is wrong with it."""
    if isinstance(preview, StudioError):
        return problem(preview)
    heads = join(h('<th scope="col">{}</th>', column) for column in preview.columns)
    rows = join(
        h("<tr>{}</tr>", join(h("<td><div>{}</div></td>", row.get(column, "")) for column in preview.columns))
        for row in preview.first
    )
    return h(
        '<section class="rs-preview"><div class="rs-preview-head"><p><b>{kind}</b> · {rows}</p>'
        '<button type="button" class="rs-button rs-primary" data-action="import">{button}</button></div>'
        '<div class="rs-scroll" tabindex="0" role="region" aria-label="{label}"><table class="rs-table">'
        "<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div></section>",
        kind=t(_KINDS[preview.kind]),
        rows=t.count(preview.rows, "{n} row", "{n} rows"),
        button=t("Import"),
        label=t("First rows of the file"),
        heads=heads,
        body=rows,
    )


_AFTER_IMPORT: "dict[FileKind, tuple[str, str]]" = {
    "prompts": ("Vote on pairs", "/label"),
    "comparisons": ("Vote on them", "/label?source=imported"),
    "preferences": ("Train a reward model", "/train?kind=rm"),
}


def imported_html(report: "ImportReport", t: Texts) -> str:
    """Return what an import stored, with the way to the votes."""
    line = t("{n} added.", n=f"{report.added:,}")
    if report.already_there:
        line += " " + t("{n} were there already and stayed as they were.", n=f"{report.already_there:,}")
    link = (t(_AFTER_IMPORT[report.kind][0]), _AFTER_IMPORT[report.kind][1])
    return done(line, link)


def export_html(studio: "Studio", project: str, t: Texts, *, written: int | None = None, error: str = "") -> str:
    """Return the votes by answer and the button that takes them out."""
    votes = attempt(lambda: studio.data.votes(project))
    if isinstance(votes, StudioError):
        return problem(votes)
    people = sum(votes.get("human", {}).values())
    others = sum(sum(votes.get(kind, {}).values()) for kind in ("simulated", "judge"))
    head = h('<h2 class="rs-part">{}</h2>', t("Preferences"))
    if not people + others:
        return h(
            '{}<div class="rs-empty-line">{} <a href="/label">{}</a></div>',
            head,
            t("No votes yet. They appear here and can be taken out as a file."),
            t("Vote on pairs"),
        )
    said = (
        h('<span class="rs-muted" role="status">{}</span>', t("{n} written.", n=f"{written:,}"))
        if written is not None
        else EMPTY
    )
    every = (
        h(
            '<button type="button" class="rs-button" data-action="export" data-whose="all">{}</button>',
            t("Export with simulated"),
        )
        if others
        else EMPTY
    )
    return h(
        '{}{}<div class="rs-actions"><button type="button" class="rs-button" data-action="export" '
        'data-whose="human"{}>{}'
        "</button>{}{}</div>{}",
        head,
        votes_html(votes, t),
        EMPTY if people else Markup(" disabled"),
        t("Export votes of people"),
        every,
        said,
        problem(error) if error else EMPTY,
    )


_WHO: dict["AnnotatorKind", str] = {"human": "People", "judge": "LLM judges", "simulated": "Simulated"}
_ANSWERS: dict["Choice", str] = {"a": "A", "b": "B", "tie": "Tie", "both_bad": "Both bad", "skip": "Skipped"}


def votes_html(votes: "Mapping[AnnotatorKind, Mapping[Choice, int]]", t: Texts) -> Markup:
    """Return the table of votes: who, and what they said."""
    heads = join(h('<th scope="col" class="rs-num">{}</th>', t(name)) for name in _ANSWERS.values())
    rows = join(
        h(
            '<tr><th scope="row">{}</th>{}<td class="rs-num"><b>{}</b></td></tr>',
            t(name),
            join(h('<td class="rs-num">{}</td>', f"{votes[kind].get(answer, 0):,}") for answer in _ANSWERS),
            f"{sum(votes[kind].values()):,}",
        )
        for kind, name in _WHO.items()
        if sum(votes.get(kind, {}).values())
    )
    return h(
        '<div class="rs-scroll"><table class="rs-table rs-votes"><thead><tr><td></td>{}<th scope="col" '
        'class="rs-num">{}</th>'
        "</tr></thead><tbody>{}</tbody></table></div>",
        heads,
        t("All"),
        rows,
    )


def prompts_html(studio: "Studio", project: str, t: Texts) -> str:
    """Return the first prompts."""
    prompts = attempt(lambda: studio.data.prompts(project, limit=_PROMPTS_SHOWN))
    if isinstance(prompts, StudioError):
        return problem(prompts)
    if not prompts:
        return h(
            '<h2 class="rs-part">{}</h2><div class="rs-empty">{}<p>{}</p></div>',
            t("Prompts"),
            icons.FILE,
            t("Prompts are what the policy is asked. Import a file with a column named prompt to fill this page."),
        )
    rows = join(_prompt_html(prompt, t) for prompt in prompts)
    more = t("The first {n}.", n=_PROMPTS_SHOWN) if len(prompts) == _PROMPTS_SHOWN else ""
    return h(
        '<h2 class="rs-part">{}</h2><ul class="rs-prompts">{}</ul><p class="rs-hint">{}</p>', t("Prompts"), rows, more
    )


def _prompt_html(prompt: "Prompt", t: Texts) -> Markup:
    held_out = h('<span class="rs-tag">{}</span>', t("held out")) if prompt.split == "eval" else EMPTY
    category = h('<span class="rs-tag">{}</span>', prompt.category) if prompt.category else EMPTY
    return h('<li><p class="rs-text">{}</p><span>{}{}</span></li>', prompt_text(prompt), category, held_out)
