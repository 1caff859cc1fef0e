"""The card of an artifact: card.json for programs, README.md for the developer of an app."""

import json
from pathlib import Path

import numpy as np

from export import code
from export.contract import Signature
from tfgen.runs.folder import hardware, versions

__all__ = ["about", "size", "write"]


def about(job) -> dict:
    """What is known before anything is measured; every TF-Lite file carries it, too."""
    return {**job.about, "name": job.name, "signatures": {k: _describe(s) for k, s in job.signatures.items()}}


def _describe(signature: Signature) -> dict:
    return {
        "inputs": {k: t.describe() for k, t in signature.inputs.items()},
        "outputs": {
            k: {p: v for p, v in t.describe().items() if p not in ("law", "in_words")}
            for k, t in signature.outputs.items()
        },
        "state": signature.state,
    }


def size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def write(job, folder: Path, calls: dict, found: dict) -> dict:
    """Into the folder: the card."""
    card = about(job) | found | {"versions": versions(), "hardware": hardware()}
    for name, signature in card["signatures"].items():
        for side, arrays in zip(("inputs", "outputs"), calls[name][0], strict=True):
            for part, array in arrays.items():
                signature[side][part]["example_shape"] = list(np.shape(array))
                signature[side][part]["dtype"] = str(array.dtype)
    (folder / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    (folder / "README.md").write_text(readme(card))
    return card


def readme(card: dict) -> str:
    lines = [f"# {card.get('title') or card['name']}", "", *_what(card), "", "## Files", ""]
    lines += _table(_files(card))
    lines += [
        "",
        "`equal` counts the examples whose outputs are Keras's to 1e-4 (of the number, or of 1 where it is smaller); "
        "`largest` is the largest difference, `dB` how far Keras's numbers are above the differences. Milliseconds are "
        f"of a call with its inputs and outputs{_on(card)}, megabytes the peak beyond the bare process, on "
        f"{card['hardware']}. A TF-Lite file carries inside what was known before anything was measured: "
        "`unzip -p FILE about.json`.",
    ]
    lines += [line for name, entry in card["files"].items() for line in _inside(name, entry)]
    lines += [f"- not in TF-Lite: `{name}`, {why}" for name, why in card["not_in_tflite"].items()]
    lines += [f"- no {name} file: {why}" for name, why in card["not_written"].items()]
    for name, signature in card["signatures"].items():
        lines += ["", f"## `{name}`", "", *_table(_tensors(signature)), ""]
        lines += [
            f"- state: what comes out as `{b}` goes in as `{a}` at the next call" for a, b in signature["state"].items()
        ]
    kept = [name for name in card["signatures"] if name not in card["not_in_tflite"]]
    if kept:
        file = next(name for name, entry in card["files"].items() if entry["format"] == "float32")
        called = next((name for name in kept if name != "start"), kept[0])
        lines += ["", f"## Calling `{called}`", ""]
        for language, text in code.all(file, called, card["signatures"][called]).items():
            lines += [f"{language.title}", "", f"```{language.tag}", text, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


_PLACES = (
    "title",
    "files",
    "signatures",
    "not_in_tflite",
    "not_written",
    "versions",
    "hardware",
    "name",
    "configuration",
)


def _what(card: dict) -> list[str]:
    """What was said about it."""
    said = {k: v for k, v in card.items() if k not in _PLACES and v is not None}
    text = lambda v: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)
    return [f"- {k}: {text(v)}" for k, v in {**said, "versions": card["versions"]}.items()]


def _files(card: dict) -> list[list[str]]:
    rows = [["file", "format", "kB", "equal", "largest", "dB", "ms, 1 thread", "ms, 2 threads", "MB", "quality"]]
    for name, entry in card["files"].items():
        seen = entry.get("against_keras", {}).values()
        threads = entry.get("threads", {})
        times = [_times(threads.get(n, {}).get("milliseconds", {})) for n in ("1", "2")]
        quality = [
            f"{k} {v:g}" + (f" (lost {entry['quality_lost'][k]:g})" if "quality_lost" in entry else "")
            for k, v in entry.get("quality", {}).items()
        ]
        rows.append(
            [
                f"`{name}`",
                entry["format"],
                f"{entry['bytes'] / 1000:.0f}",
                f"{min(s['equal'] for s in seen)} of {min(s['rows'] for s in seen)}" if seen else "",
                f"{max(s['largest'] for s in seen):.2g}" if seen else "",
                f"{min(s['snr'] for s in seen):.0f}" if seen else "",
                *times,
                f"{threads['1']['megabytes']:g}" if threads else "",
                ", ".join(quality),
            ]
        )
    return rows


def _inside(file: str, entry: dict) -> list[str]:
    """What whole numbers it takes and gives, and its operators."""
    lines = []
    for signature, found in entry.get("whole_numbers", {}).items():
        each = [f"`{k}` {t['dtype']}, {t['scale']:.9g}, {t['zero_point']}" for k, t in found.items()]
        lines += [f"- `{signature}` of `{file}`: value = scale × (number - zero point); {'; '.join(each)}"]
    if operators := entry.get("operators"):
        lines += [f"- operators of `{file}`: {', '.join(f'{k} {n}' for k, n in operators.items())}"]
    return lines


def _on(card: dict) -> str:
    """The sizes that were measured, of inputs that take any."""
    sizes = {
        f"`{k}` {' × '.join(map(str, shape))}"
        for name, call in card["measured_on"].items()
        for k, shape in call.items()
        if None in card["signatures"][name]["inputs"][k]["shape"]
    }
    return f" ({', '.join(sorted(sizes))})" if sizes else ""


def _times(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {ms:.3g}" if len(found) > 1 else f"{ms:.3g}" for name, ms in found.items())


def _tensors(signature: dict) -> list[list[str]]:
    rows = [["", "name", "shape", "type", "meaning", "comes from", "range"]]
    for side, word in (("inputs", "in"), ("outputs", "out")):
        for name, t in signature[side].items():
            shape = " × ".join("any" if d is None else str(d) for d in t["shape"]) or "a number"
            between = "" if t["range"] is None else f"{t['range'][0]:g} … {t['range'][1]:g}"
            rows.append([word, f"`{name}`", shape, t["dtype"], t["meaning"], t.get("in_words", ""), between])
    return rows


def _table(rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]]]
