import pytest

from rlhf_studio.core.config import CompareConfig, GRPOConfig, RewardModelConfig, RewardTerm, knobs
from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.core.runs import Estimate
from rlhf_studio.ui import forms
from tests.ui.conftest import EN
from tests.ui.fake_studio import BAD, model

OPTIONS = [forms.Option("starter", "starter")]


def form(kind: str) -> str:
    options = {"model": OPTIONS, "rewards": forms.reward_options([], EN), "reward_model": forms.scorer_options([], EN)}
    return forms.form_html(kind, forms.defaults(kind), options, EN)


@pytest.mark.parametrize("kind", ["rm", "grpo", "compare"])
def test_every_knob_is_in_the_form_with_a_name_and_its_description(kind: str) -> None:
    html = form(kind)
    for name, field in knobs(kind).items():
        if name == "models":
            continue
        assert f'name="{name}"' in html
        if name not in forms.FIRST:
            assert EN(str(field.description)).replace("'", "&#39;") in html


@pytest.mark.parametrize(("kind", "most"), [("rm", 3), ("grpo", 3), ("compare", 3)])
def test_few_knobs_are_in_view(kind: str, most: int) -> None:
    in_view = form(kind).split("<details")[0]
    named = [name for name in knobs(kind) if f'name="{name}"' in in_view and name not in forms.FIRST]
    assert 0 < len(named) <= most


def test_numbers_carry_their_bounds_and_defaults() -> None:
    html = form("grpo")
    steps = f'min="1" max="100000" required value="{GRPOConfig().steps}"'
    assert f'name="steps" type="number" inputmode="numeric" step="1" {steps}' in html
    rate = f'min="0" max="0.1" required value="{GRPOConfig().learning_rate:g}"'
    assert f'name="learning_rate" type="number" inputmode="decimal" step="any" {rate}' in html


def test_choices_are_radio_buttons_with_the_default_chosen() -> None:
    assert '<input type="radio" name="group_size" value="8" checked>' in form("grpo")


def test_what_a_form_sends_becomes_a_config() -> None:
    assert forms.config_of("rm", {}) == RewardModelConfig()
    config = forms.config_of("grpo", {"form": "x", "steps": "7", "group_size": "16", "beta": "0.5", "rewards": "rm-2"})
    assert config == GRPOConfig(steps=7, group_size=16, beta=0.5, rewards=(RewardTerm(reward="rm-2"),))
    compare = forms.config_of("compare", {"models": ["a", "b"], "reward_model": ""})
    assert compare == CompareConfig(models=("a", "b"))


@pytest.mark.parametrize("config", [RewardModelConfig(epochs=0.5), GRPOConfig(steps=3, group_size=4)])
def test_a_run_fills_the_form_that_would_start_it_again(config: RewardModelConfig | GRPOConfig) -> None:
    values = {name: str(value) for name, value in forms.values_of(config).items()}
    assert forms.config_of(config.kind, values) == config


def test_a_value_out_of_bounds_is_named() -> None:
    with pytest.raises(InvalidInput, match="group_size"):
        forms.config_of("grpo", {"group_size": "5"})


def test_names_of_models_are_escaped() -> None:
    options = {"model": forms.model_options([model(BAD, "base", note=BAD)])}
    assert "<img" not in forms.form_html("rm", forms.defaults("rm"), options, EN)


def test_the_estimate_says_what_and_how_long_and_offers_the_start() -> None:
    html = forms.estimate_html("rm", Estimate("42 votes", 150.0), "Train", EN)
    assert "42 votes" in html and "about 2 min on this machine" in html
    assert 'form="rs-form-rm">Train</button>' in html


def test_an_unmeasured_machine_makes_no_guess() -> None:
    assert "not measured on this machine yet" in forms.estimate_html("rm", Estimate("42 votes", None), "Train", EN)


@pytest.mark.parametrize(
    ("line", "route"),
    [
        ("A reward model needs 8. Vote on 3 more pairs.", "/label"),
        ("Import some on the Data page.", "/data"),
        ("There is no reward model yet. Train one first.", "/train?kind=rm"),
    ],
)
def test_what_stands_in_the_way_disables_the_button_and_links_to_what_mends_it(line: str, route: str) -> None:
    html = forms.estimate_html("rm", Estimate("0 votes", None, [line]), "Train", EN)
    assert line in html and f'href="{route}"' in html
    assert " disabled>Train</button>" in html
    assert 'role="alert"' not in html, "nobody has done anything wrong"


def test_a_refusal_is_an_error_and_said_once() -> None:
    html = forms.estimate_html(
        "rm", Estimate("0", None, ["Vote on 8 more pairs."]), "Train", EN, error="Vote on 8 more pairs."
    )
    assert html.count("Vote on 8 more pairs.") == 1 and 'role="alert"' in html


def test_the_settings_of_a_run_are_all_there() -> None:
    html = forms.settings_html(GRPOConfig(rewards=(RewardTerm(reward="rm-1", weight=0.5),)), EN)
    assert "0.5 × rm-1" in html and "KL weight (beta)" in html and f"{GRPOConfig().beta:g}" in html
