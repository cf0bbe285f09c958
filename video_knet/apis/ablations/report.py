"""Tables as measured beside the paper's."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from video_knet.apis.ablations.tables import METRICS, TITLES, Row
from video_knet.apis.trainings.runs import Run
from video_knet.apis.trainings.spread import mean_and_spread


def as_markdown(tables: Mapping[str, Sequence[tuple[Row, Sequence[Run]]]], command: str) -> str:
    """All tables, and how they came about.

    Args:
        tables: By name, each row with its runs, one per seed.
        command: What was typed.
    """
    runs = {run.key: run for rows in tables.values() for _, of_row in rows for run in of_row}
    runs |= {run.start.key: run.start for run in list(runs.values()) if run.start is not None}
    parts = [_origin(runs.values(), command)]
    parts += [f"### {TITLES[name]}\n\n{_table(rows)}" for name, rows in tables.items()]
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[tuple[Row, Sequence[Run]]]) -> str:
    header = ["Row", "On the layout of", *METRICS, "to the first row", *(f"paper {name}" for name in METRICS), "Config"]
    lines, first = [header, ["---"] * len(header)], {}
    for row, runs in rows:
        measured = [(run.result() or {}).get("metrics", {}) for run in runs]
        cells = [mean_and_spread([result.get(name) for result in measured]) for name in METRICS]
        paper = [f"{row.paper[name]:.1f}" if name in row.paper else "-" for name in METRICS]
        config = f"`{row.config}`" if row.config else "base"
        gain = _gain(measured, first[row.benchmark]) if row.benchmark in first else ""
        first.setdefault(row.benchmark, measured)
        lines.append([row.name, row.benchmark.name, *cells, gain, *paper, config])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _gain(measured: Sequence[Mapping[str, float]], first: Sequence[Mapping[str, float]]) -> str:
    """What is gained seed by seed, which spreads less: all rows of a seed start from the same K-Net."""
    name = "STQ" if any("STQ" in result for result in first) else "VPQ"
    pairs = [(one.get(name), other.get(name)) for one, other in zip(measured, first, strict=True)]
    gains = [None if None in pair else pair[0] - pair[1] for pair in pairs]
    return f"{name} {mean_and_spread(gains, signed=True)}"


def _origin(runs: Iterable[Run], command: str) -> str:
    """Where the figures come from, and what they cost."""
    runs = list(runs)
    results: list[dict[str, Any]] = [result for run in runs if (result := run.result()) is not None]
    seeds = sorted({run.seed for run in runs})
    devices = ", ".join(sorted({result["device"] for result in results}))
    times = [result["seconds"] for result in results if not result["resumed"]]
    cost = f"a training took {min(times):.0f} to {max(times):.0f} s" if times else "all trainings were resumed"
    return (
        f"`{command}` on {devices}: {len(runs)} trainings with seeds {', '.join(map(str, seeds))}, {cost}. Percent, "
        "mean and standard deviation over the seeds, of held-out synthetic videos in which appearance says which "
        "object is which, after the last epoch. The paper's figures are of real videos and full-size models: only the "
        "order of the rows can be compared. Differences to the first row are taken seed by seed."
    )
