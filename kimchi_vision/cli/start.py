"""Commands before a run: a starter experiment, the keys of experiment files, backbones."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from kimchi_vision.base.messages import catalogue, language, say
from kimchi_vision.cli.options import Lang, Layout

app = typer.Typer()


@app.command()
def new(
    photos: Annotated[Path, Argument(help="A folder of class folders, or with a file of labels.")],
    output: Annotated[Path | None, Option(help="By default experiments/NAME.yaml.")] = None,
    recipe: Annotated[Literal["best", "quick", "tutorial"], Option(help="Settings to start from.")] = "best",
    backbone: Annotated[
        str | None, Option(help="A torchvision or timm name; by default one that is at hand.")
    ] = None,
    layout: Layout = "auto",
    lang: Lang = "auto",
) -> None:
    """Write a starter experiment for a folder of photos, with every setting of a recipe written out."""
    from kimchi_vision.data.layout import read
    from kimchi_vision.jobs import folder
    from kimchi_vision.learning.model.find import named
    from kimchi_vision.learning.recipe import settings

    listing = read(photos, layout)
    own = {"backbone": backbone} if backbone else folder.settings()["model"]
    chosen = settings(recipe, folder.training_photos(listing), named(own["backbone"]).size)
    chosen["model"] = {**own, **chosen.get("model", {})}
    wanted = output or Path("experiments") / f"{folder.run_name(photos)}.yaml"
    path = folder.write(photos, listing, wanted, chosen, catalogue(language(lang)))
    for says, values in listing.notes():
        print(say(says, **values))
    print(say("new_written", path=path, command=folder.command("run", path)))


@app.command()
def keys(
    key: Annotated[str, Argument(help="A section or a key, such as augment.max_rotate.")] = "",
    markdown: Annotated[bool, Option("--markdown", help="As docs/keys.md.")] = False,
    schema: Annotated[bool, Option("--schema", help="As JSON Schema, for editors.")] = False,
) -> None:
    """List the keys of experiment files: values, default, and what each is for."""
    from kimchi_vision.config import keys as listing

    if schema:
        print(listing.schema_text(), end="")
    elif markdown:
        print(listing.markdown(), end="")
    else:
        print(listing.text(listing.listed(key), say))


@app.command()
def models(
    pattern: Annotated[str, Argument(help="Part of a name, or a pattern such as 'convnext*'.")] = "",
) -> None:
    """List backbones with parameters, input size, and whether their weights are at hand."""
    from kimchi_vision.learning.model import catalog

    for row in catalog(pattern):
        print(row.said(say))


@app.command()
def imagenet(
    photos: Annotated[list[Path], Argument(help="Photos, or folders of them.")],
    backbone: Annotated[str, Option(help="A torchvision or timm name.")] = "resnet50",
    weights: Annotated[str, Option(help="default, offline, or a file.")] = "default",
) -> None:
    """Top-5 ImageNet names of photos, from a pretrained backbone with its own preprocessing."""
    from kimchi_vision.base.numbers import percent
    from kimchi_vision.config.sections import Model
    from kimchi_vision.deploy.predictor import find_photos
    from kimchi_vision.learning.model import imagenet

    section = Model(backbone=backbone, weights=weights)
    for photo, names in imagenet(find_photos(photos), section):
        print(photo)
        for name, probability in names:
            print(f"  {percent(probability):>7}  {name}")
