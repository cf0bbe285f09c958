#!/usr/bin/env bash
# Train under slurm, one process per GPU.
#   [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=4] [SRUN_ARGS="..."] tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
set -euo pipefail
if [ $# -lt 3 ]; then sed -n '2,3s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
partition=$1 job=$2
shift 2
source "$(dirname "$0")/launch.sh"
launch_slurm "$partition" "$job" train.py "$@"
