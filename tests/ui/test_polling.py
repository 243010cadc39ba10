from rlhf_studio.ui.polling import changed


def test_only_what_changed_is_sent() -> None:
    first, marks = changed(["a", "b"], "")
    assert first == ["a", "b"]
    second, after = changed(["a", "c"], marks)
    assert second[1] == "c" and second[0] != "a"
    assert changed(["a", "c"], after)[1] == after
