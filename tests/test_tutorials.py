"""The notebooks of docs/tutorials run from the first cell to the last, one epoch long, and show what they say."""

import json

import pytest

from benchmarks import tutorials


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", tutorials.BOOKS, ids=lambda path: path.stem)
def test_tutorial(path, tmp_path, monkeypatch):
    monkeypatch.chdir(path.parent)
    book = tutorials.run(path, short=True)
    shown = [output for cell in book["cells"] for output in cell.get("outputs", ())]
    assert sum(output["output_type"] == "display_data" for output in shown) >= 1
    kept = json.loads(path.read_text())
    for cell, now in zip(kept["cells"], book["cells"], strict=True):  # of the whole run: as many outputs, and no more
        kinds = [[output["output_type"] for output in c.get("outputs", ())] for c in (cell, now)]
        assert kinds[0] == kinds[1], f"{path}: python -m benchmarks tutorials {path.stem}"
