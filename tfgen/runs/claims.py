"""docs/claims.csv: what a command measures, beside what was published. A claim is two command lines, so anybody can run
it by hand.

A claim may have several metrics, with blanks between; its figures then stand in the same order, with slashes between.
One without `train` is of what is shipped: `evaluate` is then a whole command of an application, in which {data} stands
for what --data-dir says.
Minutes are of the process and its threads where "CPU" stands behind them; older ones are by the clock.
"""

import collections
import csv
import io
import itertools
import json
import math
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tfgen.checks import nearest
from tfgen.files import shipped, whole
from tfgen.runs.folder import Run, hardware

__all__ = ["find", "listing", "read", "reproduce", "table"]

ROOT = Path(__file__).parents[2]
CSV = shipped("docs/claims.csv")
BEGIN, END = "<!-- claims: written by `python -m tfgen reproduce --record` -->\n", "<!-- end of claims -->"
QUICK_TRAIN, QUICK_EVALUATE = "--epochs 1 --limit 400 --batch 100", "--limit 100 --k 10 --chains 10 --temperatures 20"
EMBEDDED = ("ring", "grid")  # other data are digits where it must be quick

Claim = dict[str, str]


def read(path: Path = CSV) -> list[Claim]:
    """The rows. `train` and `evaluate` are arguments of the commands; `run` names the training where several claims
    share one, `page` where it is shown."""
    if not path.is_file():
        raise ValueError(f"{path} is not there: install tfgen anew, or measure claims in a clone of the project")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def find(name: str) -> Claim:
    claims = {claim["name"]: claim for claim in read()}
    if name not in claims:
        raise ValueError(f"there is no claim {name!r}: did you mean {nearest(name, claims)}?")
    return claims[name]


def listing() -> str:
    lines = [
        f"{c['name']:<18} {c['metric']:<14} published {c['published']:<8} ours {_ours(c):<16} {c['protocol']}"
        for c in read()
    ]
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
) -> dict[str, float | None]:
    """Trains and evaluates with each seed by the command line, and says how far the means are from the published
    figures."""
    if quick and record:
        raise ValueError("--quick --record: quick figures mean nothing, and are not recorded")
    claim = find(name)
    if record and not (ROOT / claim["page"]).is_file():
        raise ValueError("--record: figures are recorded in a clone of the project, and this is an installed package")
    wanted = claim["metric"].split()
    if not claim["train"]:
        means = _shipped(claim, wanted, data_dir)
        print(f"\n{name}: {' / '.join(wanted)} {_join(means)}, published {claim['published']} ({claim['source']})")
        if record:
            write(name, ours=_join(means), seeds="1", minutes="shipped", hardware=hardware())
        return dict(zip(wanted, means, strict=True))
    short = QUICK_TRAIN + ("" if claim["data"] in EMBEDDED else " --data digits")
    rows, minutes, unit, where = [], [], "", ""
    at = ["--data-dir", str(data_dir)] if data_dir else []
    for seed in range(1 if quick else seeds or int(claim["seeds"])):
        run = Run(out / f"{claim['run'] or name}{'-quick' if quick else ''}-seed{seed}")
        chosen = [
            part for part in shlex.split(claim["train"]) if not (quick and part == "--xla")
        ]  # a few steps do not repay its compiling
        train = [*chosen, *shlex.split(short if quick else ""), "--seed", str(seed), "--out", str(run.folder), *at]
        judge = [str(run.folder), *shlex.split(claim["evaluate"]), *shlex.split(QUICK_EVALUATE if quick else ""), *at]
        rows.append(_measured(name, wanted, command, run, ["train", *train], ["evaluate", *judge]))
        card = run.card()
        minutes.append(card.get("cpu_minutes") or card["minutes"])
        unit = "CPU minutes" if card.get("cpu_minutes") else "minutes by the clock"
        where = card["hardware"]
    columns = list(zip(*rows, strict=True))
    means = [statistics.mean(column) for column in columns]
    sds = (
        [statistics.stdev(column) if math.isfinite(sum(column)) else math.nan for column in columns]
        if len(rows) > 1
        else []
    )
    spread = f" ± {_join(sds)} (sd over {len(rows)} seeds)" if sds else ""
    took = statistics.mean(minutes)
    print(
        f"\n{name}: {' / '.join(wanted)} {_join(means)}{spread}, published {claim['published']} ({claim['source']}); "
        f"{took:.1f} {unit} a run"
    )
    if quick:
        print("this was --quick: the path ran, the figures mean nothing")
    if record:
        took_so = f"{took:.1f}{' CPU' if unit.startswith('CPU') else ''}"
        write(name, ours=_join(means), sd=_join(sds), seeds=str(len(rows)), minutes=took_so, hardware=where)
    return dict(zip(wanted, means, strict=True)) | {"minutes": took}


def _measured(
    name: str, wanted: list[str], command: Callable[[list[str]], int], run: Run, *lines: list[str]
) -> list[float]:
    """The figures that the commands leave in the card. A training that ends in nan has nan of each."""
    for line in lines:
        print("$ python -m tfgen", shlex.join(line), flush=True)
        if code := command(line):
            if "stopped" in run.card().get("figures", {}).get("training", {}):
                return [math.nan] * len(wanted)
            raise ValueError(f"{name}: the command above ended with code {code}")
    found = run.card()["figures"]["test"]["metrics"]
    return _wanted(name, wanted, {metric: figure["value"] for metric, figure in found.items()})


def _shipped(claim: Claim, wanted: list[str], data_dir: Path | None) -> list[float]:
    """The means of the last whom the application's evaluation names: the shipped net."""
    if data_dir is None:
        raise ValueError(f"{claim['name']}: --data-dir says where {claim['data']} lies")
    line = shlex.split(claim["evaluate"].format(data=Path(data_dir).resolve()))
    print("$ python -m", shlex.join(line), flush=True)
    done = subprocess.run([sys.executable, "-m", *line, "--json"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no line"])[-1]
        raise ValueError(f"{claim['name']}: the command above ended with code {done.returncode}: {why}")
    *_, found = json.loads(done.stdout)["mean"].values()
    return _wanted(claim["name"], wanted, found)


def _wanted(name: str, wanted: list[str], found: dict[str, float]) -> list[float]:
    if missing := [metric for metric in wanted if metric not in found]:
        raise ValueError(f"{name}: the evaluation has no {', '.join(missing)}; it has {', '.join(found)}")
    return [found[metric] for metric in wanted]


def _join(values: list[float]) -> str:
    return " / ".join(f"{value:.2f}" if abs(value) >= 1 or value == 0 else f"{value:.3f}" for value in values)


def write(name: str, **figures: str) -> None:
    """Into the csv, and the table of the README."""
    page = ROOT / find(name)["page"]
    claims = [claim | figures if claim["name"] == name else claim for claim in read()]
    text = io.StringIO()
    writer = csv.DictWriter(text, claims[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(claims)
    with whole(CSV) as partial:
        partial.write_text(text.getvalue())
    before, _, rest = page.read_text().partition(BEGIN)
    with whole(page) as partial:
        partial.write_text(before + BEGIN + table(find(name)["page"]) + "\n" + END + rest.partition(END)[2])


def table(page: str) -> str:
    """The claims of a page, in Markdown. Neighbours of one protocol stand under a line that says it, with a column for
    each metric."""
    parts = []
    claims = [claim for claim in read() if claim["page"] == page]
    alike = collections.Counter((c["protocol"], c["metric"]) for c in claims)
    for shared, group in itertools.groupby(
        claims, lambda c: (c["protocol"], c["metric"]) if alike[c["protocol"], c["metric"]] > 1 else ()
    ):
        head = (
            ["claim", "published", *shared[1].split()]
            if shared
            else ["claim", "protocol", "metric", "published", "ours"]
        )
        rows = [head + ["seeds", "minutes a run"]]
        rows.append(["---"] * len(rows[0]))
        for c in group:
            published = f"{c['published']} ({c['source']})" if c["published"] != "–" else "–"
            told = [published, *_columns(c)] if shared else [c["protocol"], c["metric"], published, _ours(c)]
            rows.append([f"`{c['name']}`", *told, c["seeds"] if c["ours"] else "", c["minutes"]])
        above = [f"{shared[0]}:\n"] if shared else []
        parts.append("\n".join(above + [f"| {' | '.join(row)} |" for row in rows]))
    return "\n\n".join(parts)


def _columns(claim: Claim) -> list[str]:
    """A figure for each metric."""
    blanks = [""] * (len(claim["metric"].split()) - 1)
    if not claim["ours"]:
        return ["not measured yet", *blanks]
    sds = claim["sd"].split(" / ") if claim["sd"] else ["", *blanks]
    return [figure + (f" ± {sd}" if sd else "") for figure, sd in zip(claim["ours"].split(" / "), sds, strict=True)]


def _ours(claim: Claim) -> str:
    return "not measured yet" if not claim["ours"] else claim["ours"] + (f" ± {claim['sd']}" if claim["sd"] else "")
