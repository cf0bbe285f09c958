"""Score predictions against the truth: files in, a table in percent and a JSON of fractions out.

            --gt                                          --pred
kitti-step      SEQ/FRAME.png, or the released code's naming  the same
cityscapes-vps  panoptic_gt_SPLIT_city_vps.json, PNGs beside  pred.json and pan_pred/IMAGE_ID.png
vipseg          panoptic_gt_VIPSeg_SPLIT.json, PNGs beside;   pred.json and pan_pred/VIDEO/FRAME.png
                or the root with panomasks/
vspw            data folder with VIDEO/mask/FRAME.png         VIDEO/FRAME.png
youtube-vis, youtube-vis-2019, youtube-vis-2021
                json with annotations                         results.json, a zip that holds it, or its folder
own-videos      folder with dataset.json;                     VIDEO/FRAME.png;
                of instances its instances_SPLIT.json         of instances results.json, zip or folder
cityscapes-step, cityscapes-panoptic
                root, or folder of CITY/*_instanceIds.png     CITY/NAME.png, coded as for kitti-step
coco-panoptic   panoptic_SPLIT.json, PNGs beside; or the root pred.json and pan_pred/ID.png
mapillary       root, or folder of ID.png                     pred.json and pan_pred/ID.png

Exit status: 0 scored (or no fault found), 1 faults in the input, 2 usage.
"""

import argparse
import sys
from pathlib import Path

IMAGE_SETS = ("cityscapes-step", "cityscapes-panoptic", "coco-panoptic", "mapillary")
EDITIONS = ("youtube-vis", "youtube-vis-2019", "youtube-vis-2021")
DATASETS = ("kitti-step", "cityscapes-vps", "vipseg", "vspw", *EDITIONS, "own-videos", *IMAGE_SETS)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=DATASETS, help="data set, which decides on classes and metrics")
    parser.add_argument("--gt", type=Path, required=True, metavar="PATH", help="truth")
    parser.add_argument("--pred", type=Path, metavar="PATH", help="predictions")
    parser.add_argument(
        "--split",
        type=Path,
        metavar="FILE",
        help="text file of the videos to look at, one a line; for own-videos also the name of a split",
    )
    parser.add_argument(
        "--protocol",
        choices=("standard", "released"),
        default="standard",
        help="the metric's own definition, or the authors' scripts, for comparison with published tables",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as fractions, null where undefined")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that share the videos")
    parser.add_argument(
        "--allow-resize", action="store_true", help="resize predictions of another size (nearest) instead of refusing"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--self-test",
        action="store_true",
        help="score the truth itself: as it is, with shuffled ids, with one class removed; without --pred",
    )
    what.add_argument("--check-only", action="store_true", help="list every fault of the predictions, score nothing")
    args = parser.parse_args(argv)
    if args.workers < 1:
        parser.error(f"--workers {args.workers}: at least one process is needed")
    if args.json and args.json.is_dir():
        parser.error(f"--json {args.json} is a folder; name a file")
    if args.json:
        try:
            args.json.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--json {args.json}: its folder cannot be made ({error}); name another file")
    if args.self_test == (args.pred is not None):
        parser.error("--self-test makes its predictions itself" if args.self_test else "--pred is missing")
    if args.protocol == "released" and (
        args.self_test or args.dataset in ("cityscapes-vps", *EDITIONS, "own-videos", *IMAGE_SETS)
    ):
        why = "a self-test needs the standard" if args.self_test else "the authors have no script for it"
        parser.error(f"--protocol released is not defined for {args.dataset}: {why}")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from video_knet.apis.command import run_command

    return run_command("evaluate", lambda: run(args))


def run(args: argparse.Namespace) -> None:
    from video_knet.evaluation.command import check, score, test_itself

    command = test_itself if args.self_test else check if args.check_only else score
    print(command(args))


if __name__ == "__main__":
    sys.exit(main())
