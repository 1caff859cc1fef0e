"""docs/claims.csv: what a command measures, beside what was published. A claim is two command lines, so anybody can run it by hand."""

import csv
import io
import shlex
import statistics
from collections.abc import Callable
from pathlib import Path

from tfgen.files import whole
from tfgen.runs.folder import Run
from tfgen.words import nearest

__all__ = ["find", "listing", "read", "reproduce", "table"]

ROOT = Path(__file__).parents[2]
CSV, README = ROOT / "docs" / "claims.csv", ROOT / "README.md"
BEGIN, END = "<!-- claims: written by `python -m tfgen reproduce --record` -->\n", "<!-- end of claims -->"
QUICK_TRAIN, QUICK_EVALUATE = "--data digits --epochs 1 --limit 300 --batch 100", "--limit 50 --k 10 --chains 10 --temperatures 20"

Claim = dict[str, str]


def read(path: Path = CSV) -> list[Claim]:
    """The rows. `train` and `evaluate` are arguments of the commands; `run` names the training where several claims share one."""
    if not path.is_file():
        raise ValueError(f"{path} is not there: claims are measured from a clone of the project")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def find(name: str) -> Claim:
    claims = {claim["name"]: claim for claim in read()}
    if name not in claims:
        raise ValueError(f"there is no claim {name!r}: did you mean {nearest(name, claims)}?")
    return claims[name]


def listing() -> str:
    lines = [f"{c['name']:<18} {c['metric']:<14} published {c['published']:<8} ours {_ours(c):<16} {c['protocol']}" for c in read()]
    return "\n".join([*lines, "", "next: python -m tfgen reproduce NAME"])


def reproduce(
    name: str,
    command: Callable[[list[str]], int],
    *,
    seeds: int | None = None,
    data_dir: Path | None = None,
    out: Path,
    quick: bool = False,
    record: bool = False,
) -> dict[str, float]:
    """Trains and evaluates with each seed by the command line, and says how far the mean is from the published figure."""
    if quick and record:
        raise ValueError("--quick --record: quick figures mean nothing, and are not recorded")
    claim = find(name)
    values, minutes, where = [], [], ""
    at = ["--data-dir", str(data_dir)] if data_dir else []
    for seed in range(1 if quick else seeds or int(claim["seeds"])):
        run = Run(out / f"{claim['run'] or name}{'-quick' if quick else ''}-seed{seed}")
        train = [*shlex.split(claim["train"]), *shlex.split(QUICK_TRAIN if quick else ""), "--seed", str(seed), "--out", str(run.folder), *at]
        judge = [str(run.folder), *shlex.split(claim["evaluate"]), *shlex.split(QUICK_EVALUATE if quick else ""), *at]
        for line in (["train", *train], ["evaluate", *judge]):
            print("$ python -m tfgen", shlex.join(line), flush=True)
            if code := command(line):
                raise ValueError(f"{name}: the command above ended with code {code}")
        card = run.card()
        values.append(card["figures"]["test"]["metrics"][claim["metric"]]["value"])
        minutes.append(card["minutes"])
        where = card["hardware"]
    found = {"mean": statistics.mean(values), "sd": statistics.stdev(values) if len(values) > 1 else None, "minutes": statistics.mean(minutes)}
    spread = "" if found["sd"] is None else f" ± {found['sd']:.2f} (sd over {len(values)} seeds)"
    print(f"\n{name}: {claim['metric']} {found['mean']:.2f}{spread}, published {claim['published']} ({claim['source']}); {found['minutes']:.1f} minutes a run")
    if quick:
        print("this was --quick: the path ran, the figure means nothing")
    if record:
        sd = "" if found["sd"] is None else f"{found['sd']:.2f}"
        write(name, ours=f"{found['mean']:.2f}", sd=sd, seeds=str(len(values)), minutes=f"{found['minutes']:.1f}", hardware=where)
    return found


def write(name: str, **figures: str) -> None:
    """Into the csv, and the table of the README."""
    claims = [claim | figures if claim["name"] == name else claim for claim in read()]
    text = io.StringIO()
    writer = csv.DictWriter(text, claims[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(claims)
    with whole(CSV) as partial:
        partial.write_text(text.getvalue())
    before, _, rest = README.read_text().partition(BEGIN)
    with whole(README) as partial:
        partial.write_text(before + BEGIN + table() + "\n" + END + rest.partition(END)[2])


def table() -> str:
    """In Markdown."""
    lines = ["| claim | protocol | metric | published | ours | seeds | minutes a run |", "|---|---|---|---|---|---|---|"]
    for c in read():
        published, seeds = f"{c['published']} ({c['source']})", c["seeds"] if c["ours"] else ""
        lines.append(f"| `{c['name']}` | {c['protocol']} | {c['metric']} | {published} | {_ours(c)} | {seeds} | {c['minutes']} |")
    return "\n".join(lines)


def _ours(claim: Claim) -> str:
    return "not measured yet" if not claim["ours"] else claim["ours"] + (f" ± {claim['sd']}" if claim["sd"] else "")
