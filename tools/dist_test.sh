#!/usr/bin/env bash
# Test on several processes of one or more machines: one per GPU, or on CPU where there is none.
#   tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of tools/test.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -euo pipefail
if [ $# -lt 3 ]; then sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
config=$1 checkpoint=$2 gpus=$3
shift 3
source "$(dirname "$0")/launch.sh"
launch "$gpus" test.py "$config" "$checkpoint" "$@"
