import pytest

from rlhf_studio.core.config import CONFIGS, GRPOConfig, RewardModelConfig, knobs, parse_config
from rlhf_studio.core.errors import InvalidInput


def test_values_from_flags_are_read_as_numbers() -> None:
    config = parse_config("grpo", {"steps": "7", "beta": "0.1", "group_size": 4})
    assert isinstance(config, GRPOConfig)
    assert (config.steps, config.beta, config.group_size) == (7, 0.1, 4)


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        ("rm", {"epochs": 0}, "epochs"),
        ("grpo", {"group_size": 5}, "group_size"),
        ("grpo", {"steps": -1}, "steps"),
        ("rm", {"epoch": 3}, "it has: model, epochs"),
        ("compare", {"models": ["one"]}, "models"),
        ("ppo", {}, "Choose one of"),
    ],
)
def test_a_wrong_knob_gives_one_line_that_names_it(kind: str, values: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        parse_config(kind, values)
    assert "\n" not in str(caught.value)


def test_a_stored_config_reads_back_the_same() -> None:
    config = RewardModelConfig(epochs=2.5, seed=3)
    assert parse_config("rm", config.model_dump(mode="json")) == config


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_knob_has_a_description(kind: str) -> None:
    assert all(field.description for field in knobs(kind).values())
