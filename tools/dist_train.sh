#!/usr/bin/env bash
# Train on several processes of one or more machines: one per GPU, or on CPU where there is none.
#   tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -euo pipefail
if [ $# -lt 2 ]; then sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
config=$1 gpus=$2
shift 2
source "$(dirname "$0")/launch.sh"
launch "$gpus" train.py "$config" "$@"
