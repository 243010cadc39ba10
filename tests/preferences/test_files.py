from pathlib import Path

import pytest

from rlhf_studio.core.errors import InvalidInput, NotFound
from rlhf_studio.preferences.files import read_rows


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.jsonl", '{"prompt": "One"}\n\n{"prompt": "Two"}\n'),
        ("p.json", '[{"prompt": "One"}, {"prompt": "Two"}]'),
        ("p.csv", "prompt\nOne\nTwo\n"),
        ("p.txt", "One\n\nTwo\n"),
        ("bom.jsonl", "\ufeff" + '{"prompt": "One"}\n{"prompt": "Two"}'),
    ],
)
def test_every_kind_of_file_gives_its_rows(tmp_path: Path, name: str, content: str) -> None:
    assert [row.values for row in read_rows(write(tmp_path, name, content))] == [{"prompt": "One"}, {"prompt": "Two"}]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("latin.jsonl", b'{"prompt": "ok"}\n{"prompt": "caf\xe9"}\n', "line 2: not UTF-8"),
        ("broken.jsonl", '{"prompt": "ok"}\n{"prompt": \n', "line 2: not valid JSON"),
        ("list.jsonl", "[1]\n", "line 1: each record must be an object"),
        ("broken.json", '[{"prompt": "ok"},\n', "not valid JSON"),
        ("object.json", '{"prompt": "ok"}', "list of records"),
        ("cells.csv", "prompt,answer\nOne\n", "line 2: not as many cells"),
        ("empty.jsonl", "\n\n", "is empty"),
        ("data.xlsx", "x", "files end in"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, name: str, content: str | bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_rows(write(tmp_path, name, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.jsonl"):
        read_rows(tmp_path / "nowhere.jsonl")


def test_csv_cells_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    (row,) = read_rows(write(tmp_path, "p.csv", 'prompt,answer\n"One,\ntwo",3\n'))
    assert row.values == {"prompt": "One,\ntwo", "answer": "3"}
