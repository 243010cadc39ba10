from typing import Any

from rlhf_studio.studio.report import report_html

FIGURE = {"mean": 0.7, "low": 0.6, "high": 0.8, "n": 100, "measured_on": "100 held-out prompts"}


def test_the_report_shows_figures_with_intervals_and_escapes_model_text() -> None:
    figures: dict[str, Any] = {
        "plan": {"noise": 0.25, "best_of": 16, "seed": 0},
        "taste": "Short & finished.",
        "labels": 200,
        "model": "tiny",
        "reward_model": {"noiseless_pairs": FIGURE, "held_out_votes": None},
        "win_rate": {"aligned_vs_starter": FIGURE, "best_of_n_vs_starter": FIGURE, "aligned_vs_best_of_n": FIGURE},
        "tokens": {"starter": FIGURE},
        "stage_seconds": {"alignment": 61.0},
        "seconds": 90.0,
        "peak_memory_mb": 1234,
        "machine": {"system": "Linux"},
        "curves": {"rm": {"loss": [(1, 0.7), (2, 0.5)]}, "grpo": {"reward": [(1, 0.0), (2, 1.0)]}},
        "samples": [{"prompt": "Why?", "completions": {"starter": "<script>alert(1)</script>"}}],
    }
    page = report_html(figures)
    assert "70% [60%, 80%]" in page
    assert "not measured" in page
    assert page.count("<polyline") == 2
    assert "<script>" not in page
    assert "http" not in page, "it needs nothing from anywhere"
