"""What `tools/evaluate.py` does: score, check, or test itself. Each returns the text to print."""

from argparse import Namespace

from ..formats.base import FormatError
from ..formats.disk.json_files import write_json
from .benchmarks import get_benchmark
from .report import format_table, percent
from .run import Options, evaluate, find_faults
from .self_test import self_test


def _options(args: Namespace) -> Options:
    return Options(resize=args.allow_resize, workers=args.workers)


def score(args: Namespace) -> str:
    """Score a prediction; writes the JSON file.

    Raises:
        FormatError: Truth or prediction is faulty.
    """
    benchmark = get_benchmark(args.dataset, args.protocol)
    result = evaluate(benchmark, args.gt, args.pred, args.split, _options(args))
    if args.json:
        write_json(args.json, result, indent=2)
    return benchmark.format(result)


def check(args: Namespace) -> str:
    """List the faults of a prediction; writes them into the JSON file, too.

    Raises:
        FormatError: There are any.
    """
    benchmark = get_benchmark(args.dataset, args.protocol)
    faults = find_faults(benchmark, args.gt, args.pred, args.split, _options(args))
    if args.json:
        write_json(args.json, {"faults": faults}, indent=2)
    if faults:
        raise FormatError("\n".join([f"{len(faults)} faults:", *faults]))
    return f"{args.pred}: no fault found; it can be scored against {args.gt}"


def test_itself(args: Namespace) -> str:
    """Score predictions that are made of the truth; writes the JSON file.

    Raises:
        FormatError: The scores are not as they should be.
    """
    benchmark = get_benchmark(args.dataset)
    outcome = self_test(benchmark, args.gt, args.split, _options(args))
    if args.json:
        write_json(args.json, {**outcome.results, "faults": outcome.faults, "remarks": outcome.remarks}, indent=2)
    names = [*benchmark.headline, *(n for n in benchmark.frame_scores if n not in benchmark.headline)]
    rows = [["%", *names]]
    for change, result in outcome.results.items():
        words = change.replace("_", " ") + (f" ({result['removed']})" if "removed" in result else "")
        rows.append([words, *(percent(result[name]) for name in names)])
    table = format_table(rows)
    if outcome.faults:
        raise FormatError("\n".join([f"self-test failed on {args.gt}:", *outcome.faults, table]))
    return "\n".join([table, "self-test passed", *outcome.remarks])
