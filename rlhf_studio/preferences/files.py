"""Rows out of files that people bring: JSONL, JSON, CSV and plain text, with their line numbers."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlhf_studio.core.errors import InvalidInput, NotFound

SUFFIXES = (".jsonl", ".json", ".csv", ".txt")


@dataclass(frozen=True, slots=True)
class Row:
    """One record and the line it begins on, counted from 1 (in a .json file: the record's number)."""

    line: int
    values: dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Read all records of a file.

    Raises NotFound without the file, and InvalidInput with the line that is wrong and why.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidInput(f"{path.name}: files end in {', '.join(SUFFIXES)}.")
    text = _decode(path)
    readers = {".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".txt": _lines}
    rows = list(readers[path.suffix.lower()](path.name, text))
    if not rows:
        raise InvalidInput(f"{path.name} is empty.")
    return rows


def _decode(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidInput(f"{path.name}, line {line}: not UTF-8. Save the file as UTF-8 and try again.") from error


def _jsonl(name: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidInput(f"{name}, line {number}: not valid JSON ({error.msg}, column {error.colno}).") from error
        yield Row(number, _record(name, f"line {number}", values))


def _json(name: str, text: str) -> Iterator[Row]:
    try:
        records = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{name}, line {error.lineno}: not valid JSON ({error.msg}).") from error
    if not isinstance(records, list):
        raise InvalidInput(f"{name}: the file must hold a list of records, [{{...}}, {{...}}].")
    for number, values in enumerate(records, start=1):
        yield Row(number, _record(name, f"record {number}", values))


def _record(name: str, where: str, values: Any) -> dict[str, Any]:
    if isinstance(values, str):
        return {"prompt": values}
    if not isinstance(values, dict):
        raise InvalidInput(f'{name}, {where}: each record must be an object such as {{"prompt": "..."}}.')
    return values


def _csv(name: str, text: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for values in reader:
            if None in values or None in values.values():
                raise InvalidInput(f"{name}, line {reader.line_num}: not as many cells as the first line has columns.")
            yield Row(reader.line_num, {str(key).strip(): value for key, value in values.items()})
    except csv.Error as error:
        raise InvalidInput(f"{name}, line {reader.line_num}: not valid CSV ({error}).") from error


def _lines(name: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield Row(number, {"prompt": line.strip()})
