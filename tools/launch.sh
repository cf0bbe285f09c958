# Sourced by the launchers: finds Python and starts the processes.
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-$tools/../.venv/bin/python}
[ -x "$python" ] || python=python3

# launch PROCESSES TOOL ARGUMENTS...: `torchrun`, by itself on one machine, by address on several.
launch() {
  local processes=$1 tool=$2
  shift 2
  local where=(--standalone)
  if [ "${NNODES:-1}" -gt 1 ]; then
    where=(--nnodes "$NNODES" --node_rank "${NODE_RANK:?set NODE_RANK to 0 .. NNODES-1}"
           --master_addr "${MASTER_ADDR:?set MASTER_ADDR to the first machine}" --master_port "${PORT:-29500}")
  fi
  OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} "$python" -m torch.distributed.run "${where[@]}" \
    --nproc_per_node "$processes" "$tools/$tool" "$@" --launcher pytorch
}

# launch_slurm PARTITION JOB_NAME TOOL ARGUMENTS...: `srun`, one process per GPU.
launch_slurm() {
  local partition=$1 job=$2 tool=$3
  shift 3
  local gpus=${GPUS:-8} per_node=${GPUS_PER_NODE:-8}
  [ "$gpus" -ge "$per_node" ] || per_node=$gpus
  # shellcheck disable=SC2086
  srun -p "$partition" --job-name="$job" --gres="gpu:$per_node" --ntasks="$gpus" --ntasks-per-node="$per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-4}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "$python" -u "$tools/$tool" "$@" --launcher slurm
}
