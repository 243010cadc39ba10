"""Make data/comparisons/starter.jsonl: pairs of completions that the starter model really produced.

Usage: python data/make_comparisons.py [--prompts 200] [--seed 0]
Takes train prompts of data/prompts/en.jsonl and samples four completions each. The first two that
differ and that the model ended itself, within the token limit, make the pair; a prompt without two
such completions is left out. Prompts that the file already holds are left alone: a further call with
another seed adds to it.
"""

import argparse
import json
import random
from pathlib import Path

from rlhf_studio.core.completions import Sampling
from rlhf_studio.core.prompts import Message
from rlhf_studio.core.settings import settings_from_environment
from rlhf_studio.models.hardware import probe_hardware
from rlhf_studio.models.load import load_policy, load_tokenizer
from rlhf_studio.models.rollouts import RolloutEngine
from rlhf_studio.models.starter import ensure_starter

HERE = Path(__file__).parent
OUT = HERE / "comparisons" / "starter.jsonl"
SAMPLING = Sampling(temperature=0.9, top_p=0.95, max_new_tokens=128)


def main() -> None:
    """Sample and write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    lines = (HERE / "prompts" / "en.jsonl").read_text(encoding="utf-8").splitlines()
    there = (
        {json.loads(line)["prompt"] for line in OUT.read_text(encoding="utf-8").splitlines()} if OUT.exists() else set()
    )
    rows = map(json.loads, lines)
    train = [row for row in rows if row["split"] == "train" and row["prompt"] not in there]
    chosen = random.Random(arguments.seed).sample(train, min(arguments.prompts, len(train)))
    hardware = probe_hardware()
    starter = ensure_starter(settings_from_environment().models_dir, print)
    engine = RolloutEngine(load_policy(starter, None, hardware), load_tokenizer(starter), hardware)
    rollouts = engine.sample(
        [[Message("user", row["prompt"])] for row in chosen], SAMPLING, per_prompt=4, seed=arguments.seed,
        on_progress=lambda done, total: print(f"\r{done} of {total}", end="", flush=True),
    )  # fmt: skip
    written = 0
    with OUT.open("a", encoding="utf-8") as file:
        for row, group in zip(chosen, rollouts, strict=True):
            ended = dict.fromkeys(engine.text(rollout) for rollout in group if not rollout.truncated)
            texts = [text for text in ended if text]
            if len(texts) >= 2:
                file.write(json.dumps({**row, "a": texts[0], "b": texts[1]}, ensure_ascii=False) + "\n")
                written += 1
    print(f"\n{written} comparisons added")


if __name__ == "__main__":
    main()
