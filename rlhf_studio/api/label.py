"""The label page's routes. The annotator is blind: no reply names a model, a source or a stored order."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from rlhf_studio.api.markdown import safe_html
from rlhf_studio.core.preferences import Answer, ComparisonSource, Showing
from rlhf_studio.core.prompts import Role
from rlhf_studio.core.settings import DEFAULT_PROJECT
from rlhf_studio.studio import Studio

_DAY_MS = 86_400_000

Key = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Project = Annotated[str, Query(min_length=1, max_length=100)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class VoteRequest(_Request):
    """An answer to a pair. `key` is drawn by the page, so that sending it twice stores it once."""

    key: Key
    comparison_id: Annotated[str, Field(min_length=1, max_length=100)]
    answer: Answer
    milliseconds: Annotated[int, Field(ge=0, le=_DAY_MS)] | None = None


class UndoRequest(_Request):
    """Takes back the vote with `vote_key`; without it, the annotator's latest."""

    key: Key
    vote_key: Key | None = None


class ProgressView(BaseModel):
    """How far the annotator and the project are."""

    model_config = ConfigDict(from_attributes=True)

    today: int
    total: int
    waiting: int
    generating: bool


class Turn(BaseModel):
    """One message of the prompt."""

    role: Role
    html: str


class Pair(BaseModel):
    """A comparison as it is shown, by side and by nothing else."""

    id: str
    prompt: list[Turn]
    left_html: str
    right_html: str


class ProgressReply(BaseModel):
    """What every reply carries."""

    progress: ProgressView


class PairsReply(ProgressReply):
    """Pairs to answer, in order."""

    pairs: list[Pair]


class VoteReply(ProgressReply):
    """`stored` is false when this vote had arrived before."""

    stored: bool


class UndoReply(ProgressReply):
    """The pair to answer again."""

    pair: Pair


def routes(studio: Studio) -> APIRouter:
    """Return the label page's routes on `studio`."""
    router = APIRouter(prefix="/api/v1/label", tags=["label"])
    labels = studio.labels

    def progress(project: str, annotator_id: str) -> ProgressView:
        return ProgressView.model_validate(labels.progress(project, annotator_id))

    @router.get("/pairs")
    def pairs(
        project: Project = DEFAULT_PROJECT,
        count: Annotated[int, Query(ge=1, le=50)] = 6,
        have: Annotated[str, Query(description="ids that the page holds already, with commas")] = "",
        source: Annotated[ComparisonSource | None, Query(description="only pairs of this source")] = None,
    ) -> PairsReply:
        me = labels.local_annotator().id
        showings = labels.pairs(project, me, count, [part for part in have.split(",") if part], source)
        return PairsReply(pairs=[_pair(showing) for showing in showings], progress=progress(project, me))

    @router.post("/votes")
    def vote(body: VoteRequest, project: Project = DEFAULT_PROJECT) -> VoteReply:
        me = labels.local_annotator().id
        receipt = labels.vote(
            project,
            me,
            key=body.key,
            comparison_id=body.comparison_id,
            answer=body.answer,
            milliseconds=body.milliseconds,
        )
        return VoteReply(stored=receipt.stored, progress=progress(project, me))

    @router.post("/undo")
    def undo(body: UndoRequest, project: Project = DEFAULT_PROJECT) -> UndoReply:
        me = labels.local_annotator().id
        showing = labels.undo(project, me, key=body.key, vote_key=body.vote_key)
        return UndoReply(pair=_pair(showing), progress=progress(project, me))

    @router.get("/progress")
    def read_progress(project: Project = DEFAULT_PROJECT) -> ProgressReply:
        return ProgressReply(progress=progress(project, labels.local_annotator().id))

    return router


def _pair(showing: Showing) -> Pair:
    comparison = showing.comparison
    return Pair(
        id=comparison.id,
        prompt=[Turn(role=message.role, html=safe_html(message.content)) for message in comparison.prompt.messages],
        left_html=safe_html(showing.left.text),
        right_html=safe_html(showing.right.text),
    )
