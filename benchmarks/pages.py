"""A page for each system, and the index that leads there: `python -m benchmarks pages [NAME …]`, into docs/.

The text is the system's own: the equations of its file, its arguments, its claims; a test holds the pages to it. With
`--draw` its samples are drawn anew, by the command that the page states (into runs/pages, where it goes on).
"""

import argparse
import inspect
import re
import shlex
import sys
import textwrap
from pathlib import Path

from PIL import Image

from tfgen import signature
from tfgen.catalog import CATALOG
from tfgen.entry import Entry
from tfgen.files import whole
from tfgen.runs import claims

__all__ = ["index", "main", "page"]

DOCS = Path(__file__).parents[1] / "docs"
PAGES, RUNS, SIDE = DOCS / "systems", Path("runs/pages"), 560
PLANE = "--data ring --limit 40000 --set values=real --set learning_rate=1e-3 --epochs 15"
TRAINED = {  # where the catalog's own settings on digits take long, or show little
    "gan": PLANE,
    "bgan": "--set game=bregman_pearson:0.2",  # the plain ratio has no bound where the two do not overlap
    "nice": "--set hidden=200,200 --epochs 300",
    **dict.fromkeys(("fvsbn", "neural_ar", "nade", "eonade", "made"), "--epochs 100 --learning-rate 3e-3"),
    **dict.fromkeys(("semi_adgm", "avb", "ml_vae", "dbm", "ride"), "--epochs 80"),
    "diagonal_bilstm": "--epochs 25",
    "began": "--set latent=16 --set gamma=0.9 --set rate=0.02 --set learning_rate=3e-4",
}
ELSEWHERE = {  # whose pictures and figures stand on another page
    "edge_sr": "super_resolution",
    "srresnet": "super_resolution",
    "srgan": "super_resolution",
    "amap": "super_resolution",
    "edge_se": "speech_enhancement",
    "segan": "speech_enhancement",
    "post_filter": "speech_enhancement",
}


def command(entry: Entry) -> str:
    return f"train {entry.name} {TRAINED.get(entry.name, '')}".strip()


def page(entry: Entry) -> str:
    """The text of a page, in Markdown."""
    about = inspect.getdoc(sys.modules[entry.model.__module__])
    parts = [
        f"# `{entry.name}`: {entry.summary}",
        f"{entry.paper} · [{entry.family}](../index.md#{entry.family}) · can {', '.join(entry.abilities)} · "
        f"[its file](../../{entry.model.__module__.replace('.', '/')}.py)",
    ]
    if (PAGES / f"{entry.name}.png").is_file():
        what = "Means of samples" if "decode" in entry.abilities else "Samples"
        parts += [
            f"![Samples of {entry.name}]({entry.name}.png)",
            f"{what} of seed 0, none chosen, after `python -m tfgen {command(entry)}`.",
        ]
    parts += [f"```text\n{about}\n```", "## Train it", _training(entry), "## Arguments", _arguments(entry.model)]
    if rows := [claim for claim in claims.read() if claim["system"] == entry.name]:
        parts += ["## Claims", _claims(rows)]
    return "\n\n".join(parts) + "\n"


def _training(entry: Entry) -> str:
    name = entry.model.__name__
    if app := ELSEWHERE.get(entry.name):
        return (
            f"```\npython -m apps.{app} train --help\n```\n\nPictures and figures: "
            f"[apps/{app}](../../apps/{app}/README.md); in Python `tfgen.{name}`."
        )
    return (
        f"```\npython -m tfgen {command(entry)}\n```\n\nIn Python: `model = tfgen.{name}(shape)`, `model.compile()`, "
        "`model.fit(…)`."
    )


def _arguments(model: type) -> str:
    """Defaults of all that the constructor takes, and what the classes say of them."""
    taken = signature.parameters(model)
    line = ", ".join(
        f"`{name}`" if p.default is p.empty else f"`{name}={getattr(p.default, '__name__', repr(p.default))}`"
        for name, p in taken.items()
    )
    told = []
    for base in model.__mro__:
        text = inspect.getdoc(base) if "__doc__" in vars(base) and base.__module__.startswith("tfgen.") else None
        said = (text or "").partition("Arguments:\n")[2]
        said = re.split(r"\n\S", said)[0].rstrip()
        if said and base.__name__ not in ("GenerativeModel", "KerasModel"):
            told.append(f"Of `{base.__name__}`:\n\n```text\n{textwrap.dedent(said)}\n```")
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(base.__init__).parameters.values()):
            break
    return "\n\n".join([line, *told])


def _claims(rows: list[dict]) -> str:
    head = ["| claim | metric | published | ours |", "|---|---|---|---|"]
    body = [f"| `{c['name']}` | {c['metric']} | {c['published']} | {c['ours'] or 'not measured yet'} |" for c in rows]
    return "\n".join([*head, *body]) + "\n\n`python -m tfgen reproduce CLAIM` measures one again."


def index() -> str:
    """The way into the documentation."""
    guides = [
        ("../README.md", "install, the two commands, the command line, Keras in ten lines"),
        ("tutorials/1_vae.ipynb", "a variational auto-encoder and its latent space"),
        ("tutorials/2_gan.ipynb", "a GAN from parts, judged"),
        ("tutorials/3_phone.ipynb", "from training to the phone"),
        *((path.name, _title(path)) for path in sorted(DOCS.glob("*.md")) if path.stem != "index"),
        ("../export/README.md", "SavedModel, TF-Lite, cards"),
        *(
            (f"../apps/{p.parent.name}/README.md", _title(p))
            for p in sorted((DOCS.parent / "apps").glob("*/README.md"))
        ),
    ]
    lines = ["# Documentation", "", *(f"- [{where.removeprefix('../')}]({where}): {what}" for where, what in guides)]
    for family in dict.fromkeys(entry.family for entry in CATALOG):
        lines += ["", f"## {family}", ""]
        lines += [
            f"- [`{e.name}`](systems/{e.name}.md): {e.summary} ({e.paper})" for e in CATALOG if e.family == family
        ]
    return "\n".join(lines) + "\n"


def _title(path: Path) -> str:
    return path.read_text().partition("\n")[0].lstrip("# ")


def draw(entry: Entry) -> None:
    from tfgen.__main__ import command as run

    folder = RUNS / entry.name
    code = run([*shlex.split(command(entry)), "--out", str(folder), "--pictures-every", "100000"])
    if code:
        return
    shown = next(p for name in ("means", "samples") if (p := folder / "samples" / f"{name}.png").is_file())
    with Image.open(shown) as picture:
        factor = max(1, round(picture.width / SIDE))
        small = picture.convert("RGB").resize((picture.width // factor, picture.height // factor), Image.Resampling.BOX)
    with whole(PAGES / f"{entry.name}.png") as partial:
        small.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(partial, optimize=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks pages")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--draw", action="store_true", help="train and draw their samples")
    asked = parser.parse_args(arguments)
    PAGES.mkdir(parents=True, exist_ok=True)
    for entry in CATALOG:
        if not asked.names or entry.name in asked.names:
            if asked.draw and entry.name not in ELSEWHERE:
                draw(entry)
            with whole(PAGES / f"{entry.name}.md") as partial:
                partial.write_text(page(entry))
    with whole(DOCS / "index.md") as partial:
        partial.write_text(index())
    return 0
