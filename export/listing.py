"""What can leave the house: by the catalog, and of a run by trying."""

import tempfile
from pathlib import Path

from export import run as exporting
from export.artifact import artifacts
from export.convert import FORMATS, MAKERS
from export.signatures import signatures
from tfgen.catalog import CATALOG
from tfgen.runs.folder import Run

__all__ = ["listing", "of_run"]


def listing() -> str:
    """A line for each system: its signatures; those that TF-Lite cannot take, and why."""
    lines = []
    for entry in CATALOG:
        names = list(signatures(entry.tiny()))
        kept = [name for name in names if name not in entry.not_in_tflite]
        lines.append(f"{entry.name:<12} SavedModel: {', '.join(names)}")
        lines.append(f"{'':<12} TF-Lite:    {', '.join(kept) if len(kept) < len(names) else 'all'}")
        lines += [f"{'':<12}   without {name}: {why}" for name, why in entry.not_in_tflite.items()]
    return "\n".join(lines)


def of_run(run: Run, names: list[str] | None, data_dir: Path | None, say=print) -> str:
    """Every signature by itself in every format, made and verified, and thrown away."""
    model, _ = exporting.load(run)
    data, lines = exporting.data_of(run, model, data_dir, say)[:2], []
    with tempfile.TemporaryDirectory() as scratch:
        jobs = [
            exporting.job(model, Path(scratch) / name, [name], *data, name=name, formats=FORMATS, measure=False)
            for name in signatures(model, names)
        ]
        for job, card in zip(jobs, artifacts(jobs, say), strict=True):
            lines.append(f"\n{job.name}")
            for kind in FORMATS:
                entry = card["files"].get(job.file(kind))
                why = card["not_in_tflite"].get(job.name) or card["not_written"].get(kind)
                lines.append(f"  {kind:<8} {_yes(entry, job.name) if entry else f'no: {why}'}")
    return "\n".join(lines).strip()


def _yes(entry: dict, name: str) -> str:
    by = next(way for way, words in MAKERS.items() if words == entry["made_by"])
    return f"yes: {entry['bytes'] / 1000:.0f} kB, {entry['against_keras'][name]['snr']:.0f} dB from Keras, by {by}"
