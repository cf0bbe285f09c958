"""Examine this machine: what is installed and works, and the command that mends what does not.

Exit status: 0 no fault (there may be warnings), 1 faults, 2 usage.
"""

import argparse
import json
import sys


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the findings as json")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from video_knet.apis.environment import FAULT, examine, format_findings

    findings = examine()
    print(json.dumps([vars(finding) for finding in findings], indent=2) if args.json else format_findings(findings))
    return 1 if any(finding.status == FAULT for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
