"""Which runs the rows of some tables need, and all of it from worlds to tables."""

from collections.abc import Sequence
from pathlib import Path

from video_knet.apis.ablations.report import as_markdown
from video_knet.apis.ablations.row_configs import read_config
from video_knet.apis.ablations.tables import TABLES, Benchmark, Row
from video_knet.apis.quickstart import make_world
from video_knet.apis.trainings.runs import Run
from video_knet.apis.trainings.schedule import train_all
from video_knet.formats.disk.files import whole_file
from video_knet.parallel import count_cores


def measure(
    names: Sequence[str],
    configs: Path,
    work_dir: Path,
    seeds: int = 3,
    jobs: int | None = None,
    out: Path | None = None,
    command: str = "tools/run_ablations.py",
) -> str:
    """Train the rows of some tables, each different one once, and write the tables. What is finished stays.

    Args:
        names: Of the tables.
        configs: Folder of the configs.
        work_dir: Receives the worlds and the runs.
        seeds: Trainings of each row.
        jobs: Processes side by side; None for as many as there are cores.
        out: Markdown file to write.
        command: What was typed, for the file.

    Returns:
        The tables in Markdown.
    """
    for name, value in (("seeds", seeds), ("jobs", jobs)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}; at least one is needed")
    tables = plan(names, configs, work_dir, seeds)
    rows = [entry for rows in tables.values() for entry in rows]
    for benchmark in {row.benchmark.root: row.benchmark for row, _ in rows}.values():
        root = data_root(work_dir, benchmark)
        world = read_config(configs / benchmark.base, benchmark, configs, root)["world"]
        make_world(world, root)
    train_all([run for _, runs in rows for run in runs], jobs or count_cores())
    text = as_markdown(tables, command)
    if out is not None:
        with whole_file(out) as file:
            file.write(text.encode())
    return text


def plan(names: Sequence[str], configs: Path, work_dir: Path, seeds: int) -> dict[str, list[tuple[Row, list[Run]]]]:
    """The runs of every row of some tables, one per seed.

    Raises:
        ValueError: There is no such table.
    """
    for name in names:
        if name not in TABLES:
            raise ValueError(f"there is no table {name!r}; choose from {', '.join(TABLES)}")
    return {
        name: [(row, [run_of(row, seed, configs, work_dir) for seed in range(seeds)]) for row in TABLES[name]]
        for name in dict.fromkeys(names)
    }


def run_of(row: Row, seed: int, configs: Path, work_dir: Path) -> Run:
    """The training of a row; rows of equal content have the same one."""
    root, runs = data_root(work_dir, row.benchmark), work_dir / "runs"
    pretraining, base = configs / row.benchmark.pretraining, configs / row.benchmark.base
    path = base if row.config is None else configs / "ablations" / f"{row.config}.py"
    start = Run(pretraining.stem, seed, read_config(pretraining, row.benchmark, configs, root), runs)
    name = row.config or base.stem
    return Run(name, seed, read_config(path, row.benchmark, configs, root), runs, start)


def data_root(work_dir: Path, benchmark: Benchmark) -> Path:
    """Where the world of a benchmark is."""
    return work_dir / "worlds" / Path(benchmark.base).stem
