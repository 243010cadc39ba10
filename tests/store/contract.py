"""What every database under the store must do. A subclass supplies the fixture `database_url`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TypeVar

import pytest

from rlhf_studio.core.config import CompareConfig, GenerateConfig, GRPOConfig, RewardModelConfig, RewardTerm, RunConfig
from rlhf_studio.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from rlhf_studio.core.events import Cancelled, Failed, Finished, Metrics, Stage
from rlhf_studio.core.preferences import Annotator, Choice, Preference
from rlhf_studio.store import NewPreference, Store
from tests.store.examples import ANA, BO, ROBOT, comparison, fill, model, prompt, show_and_vote

T = TypeVar("T")
_THREE: tuple[Choice, ...] = ("a", "b", "tie")


def at_once(*calls: Callable[[], T]) -> list[T | Exception]:
    """Run the calls in threads that start together; return results or exceptions."""
    start = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | Exception:
        start.wait()
        try:
            return call()
        except Exception as error:  # noqa: BLE001 -- the caller judges it
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


class StoreContract:
    @pytest.fixture
    def database_url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def store(self, database_url: str) -> Iterator[Store]:
        opened = Store(database_url)
        yield opened
        opened.close()

    @pytest.fixture
    def other(self, store: Store, database_url: str) -> Iterator[Store]:
        """A second store on the same database, as another process has it."""
        opened = Store(database_url)
        yield opened
        opened.close()

    # projects, prompts, annotators

    def test_project_is_stored_once(self, store: Store) -> None:
        store.projects.ensure("one")
        store.projects.ensure("two")
        store.projects.ensure("one")
        assert store.projects.names() == ["one", "two"]

    def test_prompt_comes_back_as_it_was(self, store: Store) -> None:
        assert store.prompts.add("demo", [prompt(1, "eval")]) == 1
        assert store.prompts.find("demo") == [prompt(1, "eval")]

    def test_prompts_keep_their_order_and_repeats_add_nothing(self, store: Store) -> None:
        prompts = [prompt(n, "eval" if n % 2 else "train") for n in (5, 3, 9, 1, 4)]
        assert store.prompts.add("demo", [*prompts[:2], prompts[0]]) == 2
        assert store.prompts.add("demo", prompts) == 3
        assert store.prompts.find("demo") == prompts
        assert store.prompts.find("demo", split="eval", limit=2, offset=1) == [prompts[1], prompts[2]]
        assert store.prompts.find("demo", offset=4) == [prompts[4]]
        assert store.prompts.counts("demo") == {"train": 1, "eval": 4}

    def test_same_prompt_lives_in_two_projects(self, store: Store) -> None:
        assert store.prompts.add("one", [prompt(1)]) == store.prompts.add("two", [prompt(1)]) == 1
        assert store.prompts.counts("none") == {"train": 0, "eval": 0}

    def test_get_leaves_unknown_prompts_out(self, store: Store) -> None:
        store.prompts.add("demo", [prompt(1), prompt(2)])
        assert store.prompts.get("demo", ["p2", "p7"]) == {"p2": prompt(2)}
        assert store.prompts.get("demo", []) == {}

    def test_annotator_keeps_its_kind(self, store: Store) -> None:
        assert store.annotators.ensure(ANA) == ANA
        assert store.annotators.ensure(Annotator("ana", "Somebody")) == ANA
        with pytest.raises(Conflict, match="ana"):
            store.annotators.ensure(Annotator("ana", "Ana", "judge"))
        assert store.annotators.all() == [store.annotators.get("ana")]
        with pytest.raises(NotFound, match="nobody"):
            store.annotators.get("nobody")

    # comparisons

    def test_comparison_comes_back_as_it_was(self, store: Store) -> None:
        assert store.comparisons.add("demo", [comparison(1, "arena", "eval")]) == 1
        assert store.comparisons.get("demo", "x1") == comparison(1, "arena", "eval")
        assert store.prompts.find("demo") == [prompt(1, "eval")]
        with pytest.raises(NotFound, match="x2"):
            store.comparisons.get("demo", "x2")

    def test_same_comparisons_live_in_two_projects(self, store: Store) -> None:
        assert store.comparisons.add("one", [comparison(1)]) == store.comparisons.add("two", [comparison(1)]) == 1

    def test_find_filters_comparisons_in_order(self, store: Store) -> None:
        stored = [comparison(3), comparison(1, "starter"), comparison(2, "starter", "eval")]
        store.comparisons.add("demo", stored)
        assert store.comparisons.add("demo", stored) == 0
        assert store.comparisons.find("demo") == stored
        assert store.comparisons.find("demo", source="starter", split="eval") == [stored[2]]
        assert store.comparisons.find("demo", limit=1) == [stored[0]]
        assert store.comparisons.count("demo") == store.comparisons.count_waiting("demo") == 3

    def test_comparisons_are_stored_all_or_none(self, store: Store) -> None:
        broken = comparison(2)
        object.__setattr__(broken, "source", None)
        with pytest.raises(Exception, match="source"):
            store.comparisons.add("demo", [comparison(1), broken])
        assert store.comparisons.count("demo") == 0
        assert store.prompts.find("demo") == []

    def test_completion_of_another_prompt_is_refused(self, store: Store) -> None:
        mixed = comparison(1)
        object.__setattr__(mixed, "completion_b", comparison(2).completion_b)
        with pytest.raises(InvalidInput, match="c2b"):
            store.comparisons.add("demo", [mixed])

    # showing

    def test_show_keeps_order_and_sides_on_reload(self, store: Store, other: Store) -> None:
        fill(store, 6)
        sides = iter(["ab", "ba", "ba", "ab", "ba"])
        first = store.preferences.show("demo", "ana", 3, draw=lambda: next(sides))  # type: ignore[arg-type]
        assert [showing.shown_order for showing in first] == ["ab", "ba", "ba"]
        again = other.preferences.show("demo", "ana", 5, draw=lambda: next(sides))  # type: ignore[arg-type]
        assert again[:3] == first
        assert [showing.shown_order for showing in again[3:]] == ["ab", "ba"]
        assert again[1].left == again[1].comparison.completion_b
        assert other.preferences.show("demo", "ana", 2, draw=lambda: "ab") == first[:2]

    def test_show_leaves_out_what_the_page_holds(self, store: Store) -> None:
        fill(store, 4)
        first = store.preferences.show("demo", "ana", 2, draw=lambda: "ab")
        have = [showing.comparison.id for showing in first]
        more = store.preferences.show("demo", "ana", 9, exclude=have, draw=lambda: "ab")
        assert len(more) == 2
        assert {showing.comparison.id for showing in more}.isdisjoint(have)

    def test_starter_comparisons_are_shown_first(self, store: Store) -> None:
        fill(store, 20)
        store.comparisons.add("demo", [comparison(n, "starter") for n in range(100, 103)])
        shown = store.preferences.show("demo", "ana", 4, draw=lambda: "ab")
        assert [showing.comparison.source for showing in shown] == ["starter"] * 3 + ["generated"]

    def test_show_of_an_unknown_annotator_is_not_found(self, store: Store) -> None:
        fill(store)
        with pytest.raises(NotFound, match="nobody"):
            store.preferences.show("demo", "nobody", 1, draw=lambda: "ab")

    def test_show_in_an_empty_project_is_empty(self, store: Store) -> None:
        store.annotators.ensure(ANA)
        assert store.preferences.show("empty", "ana", 3, draw=lambda: "ab") == []

    def test_answered_comparison_is_not_shown_to_others(self, store: Store) -> None:
        fill(store, 2)
        answered = show_and_vote(store, ANA, "k1")
        shown = store.preferences.show("demo", "bo", 5, draw=lambda: "ab")
        assert [showing.comparison.id for showing in shown] == [({"x0", "x1"} - {answered}).pop()]
        assert store.comparisons.count_waiting("demo") == 1

    def test_showing_is_none_until_shown(self, store: Store) -> None:
        fill(store, 1)
        assert store.preferences.showing("demo", "ana", "x0") is None
        (shown,) = store.preferences.show("demo", "ana", 1, draw=lambda: "ba")
        assert store.preferences.showing("demo", "ana", "x0") == shown
        assert store.preferences.showing("demo", "bo", "x0") is None

    # votes

    def vote(self, store: Store, key: str = "k", choice: Choice = "a", who: str = "ana") -> tuple[Preference, bool]:
        return store.preferences.add("demo", key=key, comparison_id="x0", annotator_id=who, choice=choice)

    def test_vote_is_stored_with_the_sides_that_were_shown(self, store: Store) -> None:
        fill(store, 1)
        store.preferences.show("demo", "ana", 1, draw=lambda: "ba")
        before = datetime.now(UTC)
        stored, new = store.preferences.add(
            "demo", key="k", comparison_id="x0", annotator_id="ana", choice="b",
            milliseconds=1200, strength=3, reason="shorter",
        )  # fmt: skip
        assert new
        assert before <= stored.created_at <= datetime.now(UTC)
        assert stored.created_at.tzinfo is UTC
        expected = Preference(stored.id, "k", "x0", "ana", "b", "ba", 1200, stored.created_at, None, 3, "shorter")
        assert store.preferences.current("demo") == [stored] == [expected]
        assert store.preferences.with_comparisons("demo") == [(stored, comparison(0))]

    def test_same_key_stores_one_row(self, store: Store) -> None:
        fill(store, 1)
        store.preferences.show("demo", "ana", 1, draw=lambda: "ab")
        first, new = self.vote(store)
        assert (self.vote(store, choice="b"), new) == ((first, False), True)
        assert store.preferences.current("demo") == [first]

    def test_key_of_another_annotator_or_comparison_is_a_conflict(self, store: Store) -> None:
        fill(store, 2)
        for who in ("ana", "bo"):
            store.preferences.show("demo", who, 2, draw=lambda: "ab")
        self.vote(store)
        with pytest.raises(Conflict, match="key"):
            self.vote(store, who="bo")
        with pytest.raises(Conflict, match="key"):
            store.preferences.add("demo", key="k", comparison_id="x1", annotator_id="ana", choice="a")

    def test_second_answer_with_another_key_is_a_conflict(self, store: Store) -> None:
        fill(store, 1)
        store.preferences.show("demo", "ana", 1, draw=lambda: "ab")
        self.vote(store)
        with pytest.raises(Conflict, match="already answered"):
            self.vote(store, key="k2")

    def test_vote_needs_a_comparison_that_was_shown(self, store: Store) -> None:
        fill(store, 1)
        with pytest.raises(NotAllowed, match="never shown"):
            self.vote(store)
        with pytest.raises(NotFound, match="x9"):
            store.preferences.add("demo", key="k", comparison_id="x9", annotator_id="ana", choice="a")

    def test_two_people_who_saw_the_same_comparison_both_count(self, store: Store) -> None:
        fill(store, 1)
        for who in ("ana", "bo"):
            store.preferences.show("demo", who, 1, draw=lambda: "ab")
        assert self.vote(store, "k1", "a", "ana")[1]
        assert self.vote(store, "k2", "b", "bo")[1]
        counts = store.preferences.counts("demo")
        assert counts == {"a": 1, "b": 1, "tie": 0, "both_bad": 0, "skip": 0}

    def test_racing_senders_of_one_vote_store_one_row(self, store: Store, other: Store) -> None:
        fill(store, 1)
        store.preferences.show("demo", "ana", 1, draw=lambda: "ab")
        results = at_once(*[lambda s=s: self.vote(s) for s in (store, other) * 3])
        assert sorted(new for _, new in results) == [False] * 5 + [True]  # type: ignore[misc]
        assert len({preference for preference, _ in results}) == 1  # type: ignore[misc]

    def test_racing_votes_with_different_keys_store_one_row(self, store: Store, other: Store) -> None:
        fill(store, 1)
        store.preferences.show("demo", "ana", 1, draw=lambda: "ab")
        results = at_once(*[lambda s=s, n=n: self.vote(s, f"k{n}") for n, s in enumerate((store, other) * 3)])
        assert sum(isinstance(result, Conflict) for result in results) == 5
        assert len(store.preferences.current("demo")) == 1

    def test_racing_pages_of_one_annotator_get_the_same_showings(self, store: Store, other: Store) -> None:
        fill(store, 8)
        pages = at_once(*[lambda s=s: s.preferences.show("demo", "ana", 4, draw=lambda: "ab") for s in (store, other)])
        assert pages[0] == pages[1]

    # undo

    def test_undo_then_vote_again(self, store: Store) -> None:
        fill(store, 1)
        store.preferences.show("demo", "ana", 1, draw=lambda: "ba")
        first, _ = self.vote(store)
        assert store.preferences.retract("demo", "ana", key="u") == (first, comparison(0))
        assert store.preferences.current("demo") == []
        assert store.comparisons.count_waiting("demo") == 1
        second, new = self.vote(store, "k2", "b")
        assert new
        assert second.shown_order == "ba"
        assert store.preferences.current("demo") == [second]
        assert store.comparisons.count_waiting("demo") == 0

    def test_undone_comparison_comes_first_again(self, store: Store) -> None:
        fill(store, 5)
        voted = [show_and_vote(store, ANA, f"k{n}") for n in range(3)]
        (waiting,) = store.preferences.show("demo", "ana", 1, draw=lambda: "ab")
        for undo, expected in (("u1", voted[2]), ("u2", voted[1])):
            assert store.preferences.retract("demo", "ana", key=undo)[1].id == expected
        shown = store.preferences.show("demo", "ana", 3, draw=lambda: "ba")
        assert [showing.comparison.id for showing in shown] == [voted[1], voted[2], waiting.comparison.id]
        assert shown[0].shown_order == "ab"

    def test_undo_by_key_takes_that_vote(self, store: Store) -> None:
        fill(store, 3)
        voted = [show_and_vote(store, ANA, f"k{n}") for n in range(3)]
        undone, its_comparison = store.preferences.retract("demo", "ana", key="u", vote_key="k1")
        assert (undone.key, its_comparison.id) == ("k1", voted[1])
        assert [preference.key for preference in store.preferences.current("demo")] == ["k0", "k2"]

    def test_repeated_undo_takes_one_vote(self, store: Store, other: Store) -> None:
        fill(store, 3)
        for n in range(3):
            show_and_vote(store, ANA, f"k{n}")
        results = at_once(*[lambda s=s: s.preferences.retract("demo", "ana", key="u") for s in (store, other)])
        assert results[0] == results[1]
        assert len(store.preferences.current("demo")) == 2

    def test_nothing_to_undo_is_not_found(self, store: Store) -> None:
        fill(store, 2)
        show_and_vote(store, ANA, "k")
        for who, vote_key in (("bo", None), ("bo", "k"), ("ana", "k9")):
            with pytest.raises(NotFound, match="take back"):
                store.preferences.retract("demo", who, key="u", vote_key=vote_key)
        store.preferences.retract("demo", "ana", key="u", vote_key="k")
        with pytest.raises(NotFound, match="take back"):
            store.preferences.retract("demo", "ana", key="u2", vote_key="k")

    def test_keys_of_votes_and_undos_do_not_mix(self, store: Store) -> None:
        fill(store, 1)
        store.preferences.show("demo", "ana", 1, draw=lambda: "ab")
        first, _ = self.vote(store)
        with pytest.raises(Conflict, match="key"):
            store.preferences.retract("demo", "ana", key="k")
        store.preferences.retract("demo", "ana", key="u")
        with pytest.raises(Conflict, match="key"):
            self.vote(store, "u")
        assert self.vote(store) == (first, False)

    def test_undo_keeps_a_comparison_closed_that_another_person_answered(self, store: Store) -> None:
        fill(store, 1)
        for who in ("ana", "bo"):
            store.preferences.show("demo", who, 1, draw=lambda: "ab")
        self.vote(store, "k1", "a", "ana")
        self.vote(store, "k2", "a", "bo")
        store.preferences.retract("demo", "ana", key="u1")
        assert store.comparisons.count_waiting("demo") == 0
        store.preferences.retract("demo", "bo", key="u2")
        assert store.comparisons.count_waiting("demo") == 1

    # simulated annotators and imports

    def test_shown_answers_are_stored_once_by_key(self, store: Store) -> None:
        fill(store, 3)
        rows = [NewPreference(f"k{n}", f"x{n}", "ana", "b", "ba", 900) for n in range(3)]
        assert store.preferences.add_shown("demo", [*rows[:2], rows[0]]) == 2
        assert store.preferences.add_shown("demo", rows) == 1
        assert [(p.key, p.choice, p.shown_order) for p in store.preferences.current("demo")] == [
            ("k0", "b", "ba"), ("k1", "b", "ba"), ("k2", "b", "ba"),
        ]  # fmt: skip
        assert store.comparisons.count_waiting("demo") == 0
        assert store.preferences.retract("demo", "ana", key="u")[0].key == "k2"

    def test_shown_answers_are_all_or_none(self, store: Store) -> None:
        fill(store, 2)
        good = NewPreference("k0", "x0", "ana", "a", "ab")
        with pytest.raises(NotFound, match="x9"):
            store.preferences.add_shown("demo", [good, NewPreference("k1", "x9", "ana", "a", "ab")])
        with pytest.raises(NotFound, match="nobody"):
            store.preferences.add_shown("demo", [good, NewPreference("k1", "x1", "nobody", "a", "ab")])
        with pytest.raises(Conflict, match="already answered"):
            store.preferences.add_shown("demo", [good, NewPreference("k1", "x0", "ana", "b", "ab")])
        assert store.preferences.current("demo") == []
        assert store.comparisons.count_waiting("demo") == 2

    def test_simulated_answers_stay_apart_and_close_nothing(self, store: Store) -> None:
        fill(store, 2)
        store.preferences.add_shown("demo", [NewPreference(f"k{n}", f"x{n}", "robot", "a", "ab") for n in range(2)])
        assert store.preferences.current("demo") == []
        assert store.preferences.with_comparisons("demo") == []
        assert len(store.preferences.with_comparisons("demo", kinds=("simulated", "human"))) == 2
        assert store.comparisons.count_waiting("demo") == 2
        assert store.preferences.show("demo", ROBOT.id, 2, draw=lambda: "ab") == []
        assert len(store.preferences.show("demo", ANA.id, 2, draw=lambda: "ab")) == 2

    def test_counts_filter(self, store: Store) -> None:
        fill(store, 4)
        show_and_vote(store, ANA, "k0", "a")
        show_and_vote(store, ANA, "k1", "tie")
        show_and_vote(store, BO, "k2", "skip")
        store.preferences.add_shown("demo", [NewPreference("k3", "x0", "robot", "b", "ab")])
        store.preferences.retract("demo", "ana", key="u", vote_key="k1")
        counts = store.preferences.counts
        zero = {"a": 0, "b": 0, "tie": 0, "both_bad": 0, "skip": 0}
        assert counts("demo") == zero | {"a": 1, "b": 1, "skip": 1}
        assert counts("demo", kinds=("human",)) == zero | {"a": 1, "skip": 1}
        assert counts("demo", annotator_id="ana") == zero | {"a": 1}
        assert counts("demo", since=datetime.now(UTC) + timedelta(hours=1)) == zero
        assert counts("demo", since=datetime.now(UTC) - timedelta(hours=1)) == counts("demo")
        assert counts("elsewhere") == zero

    # snapshots

    def test_snapshot_is_frozen(self, store: Store) -> None:
        fill(store, 3)
        choices = {show_and_vote(store, ANA, f"k{choice}", choice): choice for choice in _THREE}
        answers = store.preferences.current("demo")
        snapshot = store.snapshots.add("demo", {"annotators": "human"}, [answer.id for answer in answers])
        store.preferences.retract("demo", "ana", key="u")
        assert store.snapshots.get(snapshot.id) == snapshot
        assert snapshot.preference_ids == tuple(answer.id for answer in answers)
        assert snapshot.query == {"annotators": "human"}
        pairs = store.snapshots.pairs(snapshot.id)
        assert [pair.preference_id for pair in pairs] == [answers[0].id, answers[1].id]
        for pair, answer in zip(pairs, answers, strict=False):
            asked = store.comparisons.get("demo", answer.comparison_id)
            sides = (asked.completion_a, asked.completion_b)
            assert (pair.chosen, pair.rejected) == (sides if choices[asked.id] == "a" else sides[::-1])
            assert pair.prompt == asked.prompt

    def test_same_content_gives_the_same_snapshot(self, store: Store) -> None:
        fill(store, 2)
        for n in range(2):
            show_and_vote(store, ANA, f"k{n}")
        ids = [answer.id for answer in store.preferences.current("demo")]
        first = store.snapshots.add("demo", {"n": 1}, ids)
        assert store.snapshots.add("demo", {"n": 2}, ids[::-1]) == first
        assert store.snapshots.add("demo", {}, ids[:1]).sha256 != first.sha256
        assert store.snapshots.pairs(store.snapshots.add("demo", {}, []).id) == []

    def test_snapshot_of_unknown_rows_is_not_found(self, store: Store) -> None:
        fill(store)
        with pytest.raises(NotFound, match="99"):
            store.snapshots.add("demo", {}, [99])
        with pytest.raises(NotFound, match="snapshot-9"):
            store.snapshots.get("snapshot-9")
        with pytest.raises(NotFound, match="snapshot-9"):
            store.snapshots.pairs("snapshot-9")

    # models

    def test_model_record_comes_back_as_it_was(self, store: Store) -> None:
        record = model(
            "one", base_id="b", parent_id="p", run_id="r", project="demo", note="n", metrics={"x": [1, None]}
        )
        store.models.add(record)
        assert store.models.get("one") == record
        with pytest.raises(Conflict, match="one"):
            store.models.add(model("one"))

    def test_models_are_listed_oldest_first(self, store: Store) -> None:
        now = datetime.now(UTC)
        newer = model("a-newer", created_at=now, project="demo")
        older = model("b-older", created_at=now - timedelta(days=1), kind="base")
        for record in (newer, older):
            store.models.add(record)
        assert store.models.all() == [older, newer]
        assert store.models.all(kind="base") == [older]
        assert store.models.all(project="demo") == [newer]

    def test_metrics_are_replaced_and_records_removed(self, store: Store) -> None:
        store.models.add(model("one"))
        store.models.set_metrics("one", {"accuracy": 0.7})
        assert store.models.get("one").metrics == {"accuracy": 0.7}
        store.models.add(model("two"))
        store.models.remove("one")
        for call in (store.models.get, store.models.remove, lambda name: store.models.set_metrics(name, {})):
            with pytest.raises(NotFound, match=r"'one'. There are: two"):
                call("one")

    # runs

    def test_run_comes_back_as_it_was(self, store: Store) -> None:
        config = GRPOConfig(rewards=(RewardTerm(reward="rm-1", weight=0.5),), steps=3)
        snapshot = store.snapshots.add(self.with_project(store), {}, [])
        record = store.runs.add("demo", config, background=True, snapshot_id=snapshot.id)
        assert record == store.runs.get("grpo-1")
        assert (record.config, record.status, record.background) == (config, "queued", True)
        assert (record.snapshot_id, record.cancel_requested, record.pid) == (snapshot.id, False, None)
        with pytest.raises(NotFound, match="rm-1"):
            store.runs.get("rm-1")

    def with_project(self, store: Store) -> str:
        store.projects.ensure("demo")
        return "demo"

    def test_runs_count_up_per_kind_over_projects(self, store: Store) -> None:
        kinds: tuple[RunConfig, ...] = (
            RewardModelConfig(),
            GRPOConfig(),
            RewardModelConfig(),
            CompareConfig(models=("a", "b")),
        )
        ids = [store.runs.add(f"p{n % 2}", config).id for n, config in enumerate(kinds)]
        assert ids == ["rm-1", "grpo-1", "rm-2", "compare-1"]
        assert [run.id for run in store.runs.all()] == ids[::-1]
        assert [run.id for run in store.runs.all(kind="rm", limit=1)] == ["rm-2"]
        assert [run.id for run in store.runs.all(project="p1")] == ["compare-1", "grpo-1"]

    def test_queue_gives_one_run_at_a_time_background_last(self, store: Store) -> None:
        for background in (True, False, False):
            store.runs.add("demo", GenerateConfig(), background=background)
        order = []
        while run := store.runs.claim_next():
            assert store.runs.claim_next() is None
            assert run.status == "running"
            assert run.started_at is not None
            assert store.runs.running() == [run]
            order.append(run.id)
            assert store.runs.end(run.id, "finished", Finished())
        assert order == ["generate-2", "generate-3", "generate-1"]

    def test_racing_claims_have_one_winner(self, store: Store, other: Store) -> None:
        for _ in range(3):
            store.runs.add("demo", GenerateConfig())
        claims = at_once(*[s.runs.claim_next for s in (store, other) * 4])
        assert [claim.id for claim in claims if claim is not None] == ["generate-1"]  # type: ignore[union-attr]

    def test_process_is_noted(self, store: Store) -> None:
        store.runs.add("demo", GenerateConfig())
        store.runs.set_process("generate-1", 4321, 1_800_000_000.25)
        run = store.runs.get("generate-1")
        assert (run.pid, run.process_started) == (4321, 1_800_000_000.25)
        with pytest.raises(NotFound):
            store.runs.set_process("rm-1", 1, 1.0)

    def test_cancel_of_a_queued_run_ends_it_at_once(self, store: Store) -> None:
        store.runs.add("demo", GenerateConfig())
        run = store.runs.request_cancel("generate-1")
        assert run.status == "cancelled"
        assert run.finished_at is not None
        assert [stored.event for stored in store.runs.events("generate-1")] == [Cancelled()]
        assert store.runs.claim_next() is None
        assert store.runs.request_cancel("generate-1") == run

    def test_cancel_of_a_running_run_is_a_request(self, store: Store) -> None:
        store.runs.add("demo", GenerateConfig())
        store.runs.claim_next()
        run = store.runs.request_cancel("generate-1")
        assert (run.status, run.cancel_requested) == ("running", True)

    def test_run_ends_once(self, store: Store, other: Store) -> None:
        store.runs.add("demo", GenerateConfig())
        store.runs.claim_next()
        ends = at_once(
            lambda: store.runs.end("generate-1", "finished", Finished(result={"pairs": 3})),
            lambda: other.runs.end("generate-1", "failed", Failed(cause="gone")),
        )
        assert sorted(ends) == [False, True]  # type: ignore[type-var]
        assert len(store.runs.events("generate-1")) == 1
        assert store.runs.get("generate-1").ended
        with pytest.raises(ValueError, match="queued"):
            store.runs.end(store.runs.add("demo", GenerateConfig()).id, "queued", Finished())

    def test_events_are_numbered_without_gaps(self, store: Store, other: Store) -> None:
        store.runs.add("demo", GenerateConfig())
        before = datetime.now(UTC)
        numbers = at_once(*[lambda s=s: s.runs.append("generate-1", Stage(text="…")) for s in (store, other) * 5])
        assert sorted(numbers) == list(range(1, 11))  # type: ignore[type-var]
        store.runs.append("generate-1", Metrics(step=1, values={"loss": 0.5}))
        after = store.runs.events("generate-1", after=9)
        assert [(stored.seq, stored.event.event) for stored in after] == [(10, "stage"), (11, "metrics")]
        assert before <= after[0].at <= datetime.now(UTC)
        assert store.runs.events("generate-1", kinds=("metrics",)) == after[1:]
        last = store.runs.last_event("generate-1", "stage")
        assert last is not None
        assert last.seq == 10
        assert store.runs.last_event("generate-1", "finished") is None
        with pytest.raises(NotFound):
            store.runs.append("rm-1", Stage(text=""))

    # opening

    def test_opening_a_new_database_twice_at_once_works(self, database_url: str) -> None:
        stores = at_once(*[lambda: Store(database_url)] * 3)
        for opened in stores:
            assert isinstance(opened, Store), opened
            assert opened.projects.names() == []
            opened.close()
