"""Parameters and multiply-adds of what a model runs online for a frame, part by part; nothing is downloaded or trained.

A video model is counted at its second frame, with linking and fusion, and with the embedding of as many objects as
there are thing kernels; a clip-level model per frame of a clip of five, or of the config's window. Multiply-adds are
what papers call FLOPs. Counted are matrix products, convolutions and sampling of feature maps.
"""

import argparse
import sys
from pathlib import Path

from video_knet.apis.command import add_config_options, positive, run_command
from video_knet.formats.disk.json_files import write_json

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SHAPE = (800, 1333)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("config", type=Path, nargs="?", metavar="CONFIG", help="config of a model")
    what.add_argument("--all", action="store_true", help="tables in Markdown of all shipped models at three sizes")
    what.add_argument("--figure", type=Path, metavar="FILE", help="draw Fig. 2 with the paper's scores (.svg or .png)")
    parser.add_argument(
        "--shape",
        type=positive(int),
        nargs=2,
        metavar=("H", "W"),
        help=f"size of a frame, which is padded as the config says (default: {SHAPE[0]} {SHAPE[1]})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--update", type=Path, metavar="PAGE", help="with --all: page that holds the tables")
    add_config_options(parser)
    args = parser.parse_args(argv)
    if args.config is None and (args.shape or args.cfg_options):
        parser.error("--shape and --cfg-options need CONFIG")
    if args.update and not args.all:
        parser.error("--update needs --all")
    if args.json and args.figure:
        parser.error("--figure writes no figures to --json; name a CONFIG, or --all")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    command = count_one if args.config else count_all if args.all else draw
    return run_command("model_complexity", lambda: command(args))


def count_one(args: argparse.Namespace) -> None:
    if not args.config.is_file():
        raise FileNotFoundError(f"{args.config}: no such config file")
    from video_knet.apis.complexity.counting import count_config
    from video_knet.apis.complexity.zoo import parts_table
    from video_knet.apis.config_options import parse_options
    from video_knet.apis.runner import load_config

    config = load_config(args.config, options=parse_options(args.cfg_options))
    cost = count_config(config, tuple(args.shape or SHAPE))
    print(f"{args.config}, a frame of {cost.size[0]}x{cost.size[1]} with padding")
    print(parts_table(cost))
    if args.json is not None:
        write_json(args.json, {"config": str(args.config), **cost.as_dict()}, indent=2)


def count_all(args: argparse.Namespace) -> None:
    if args.update is not None and not args.update.is_file():
        raise FileNotFoundError(f"{args.update}: no such page")
    from video_knet.apis.complexity.zoo import all_tables, update_page

    tables, costs = all_tables(CONFIGS)
    print("\n\n".join(tables.values()))
    if args.json is not None:
        write_json(args.json, {name: [cost.as_dict() for cost in each] for name, each in costs.items()}, indent=2)
    if args.update is not None:
        update_page(args.update, tables)


def draw(args: argparse.Namespace) -> None:
    from video_knet.apis.complexity.figure import draw_figure

    draw_figure(args.figure, CONFIGS)


if __name__ == "__main__":
    sys.exit(main())
