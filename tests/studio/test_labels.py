"""Labelling through the service: fresh pairs are made behind it, and nobody waits for that."""

import pytest

from rlhf_studio.core.config import GenerateConfig
from rlhf_studio.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from rlhf_studio.studio import Studio
from tests.runs.conftest import studio as studio
from tests.runs.conftest import vote


def test_a_vote_must_be_on_a_pair_that_was_shown_and_only_once(studio: Studio) -> None:
    vote(studio, "ab" * 3, kind="simulated")
    me = studio.labels.local_annotator().id
    (showing,) = studio.labels.pairs("p", me, 1)
    shown = showing.comparison.id
    other = next(c.id for c in studio.store.comparisons.find("p") if c.id != shown)
    with pytest.raises(NotFound):
        studio.labels.vote("p", me, key="k" * 10, comparison_id="nothing", answer="left", milliseconds=1)
    with pytest.raises(NotAllowed):
        studio.labels.vote("p", me, key="k" * 10, comparison_id=other, answer="left", milliseconds=1)
    first = studio.labels.vote("p", me, key="k" * 10, comparison_id=shown, answer="left", milliseconds=1)
    assert first.stored
    assert first.preference.choice == ("a" if showing.shown_order == "ab" else "b")
    assert not studio.labels.vote("p", me, key="k" * 10, comparison_id=shown, answer="left", milliseconds=1).stored
    with pytest.raises(Conflict):
        studio.labels.vote("p", me, key="x" * 10, comparison_id=shown, answer="right", milliseconds=1)
    assert studio.labels.progress("p", me).total == 1
    assert studio.labels.undo("p", me, key="u" * 10).comparison.id == shown
    assert studio.labels.progress("p", me).total == 0


def test_a_page_cannot_ask_for_everything(studio: Studio) -> None:
    with pytest.raises(InvalidInput, match="1 to 50"):
        studio.labels.pairs("p", studio.labels.local_annotator().id, 5000)


def test_fresh_pairs_are_made_by_the_tick_after_somebody_labelled(studio: Studio) -> None:
    studio.tick()
    assert studio.runs.all("p") == []
    studio.store.runs.add("q", GenerateConfig())
    assert studio.store.runs.claim_next() is not None, "something else runs, so that nothing is started here"
    studio.labels.pairs("p", studio.labels.local_annotator().id, 1)
    assert studio.runs.all("p") == [], "asking for pairs starts nothing itself"
    studio._refill("p")
    studio._refill("p")
    (run,) = studio.runs.all("p")
    assert (run.config.kind, run.background, run.status) == ("generate", True, "queued")
    studio.runs.cancel(run.id)
