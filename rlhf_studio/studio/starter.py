"""What a new studio begins with: the starter prompts and the starter comparisons."""

from rlhf_studio.core.preferences import Comparison
from rlhf_studio.core.settings import starter_content_dir
from rlhf_studio.preferences.files import read_rows
from rlhf_studio.preferences.formats import comparisons_of, prompts_of
from rlhf_studio.store import Store

PROMPT_FILES = {"en": "prompts/en.jsonl", "zh": "prompts/zh.jsonl"}


def _any_length(text: str) -> str | None:
    return None


def add_starter_content(store: Store, project: str, *, comparisons: bool = True) -> None:
    """Give an empty project the English starter prompts and comparisons; any other is left as it is."""
    if sum(store.prompts.counts(project).values()) or store.comparisons.count(project):
        return
    store.projects.ensure(project)
    folder = starter_content_dir()
    path = folder / PROMPT_FILES["en"]
    store.prompts.add(project, prompts_of(path.name, read_rows(path), too_long=_any_length))
    if comparisons:
        store.comparisons.add(project, starter_comparisons(store, project))


def starter_comparisons(store: Store, project: str) -> list[Comparison]:
    """Read the comparisons whose completions the starter model produced."""
    path = starter_content_dir() / "comparisons" / "starter.jsonl"
    read = comparisons_of(path.name, read_rows(path), "comparisons", too_long=_any_length)
    return [Comparison(c.id, c.prompt, c.completion_a, c.completion_b, "starter") for c in read]
