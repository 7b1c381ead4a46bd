#!/bin/bash
#SBATCH --job-name=impasto
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --time=12:00:00
# sbatch docs/fleet-slurm.sh data caption /shared/catalogue      (the words after the script go to impasto)
# With GPUs: add --gpus-per-task=4, give --num-gpus=4 to both `ray start`, and --gpus-per-run 1 to impasto.
set -euo pipefail
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(openssl rand -hex 32)
export RAY_AUTH_TOKEN
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
others=$((SLURM_JOB_NUM_NODES - 1))
srun --nodes=1 --ntasks=1 --nodelist="$head" ray start --head --port=6379 --ray-client-server-port=10001 \
    --include-dashboard=false --num-cpus="$SLURM_CPUS_PER_TASK" --block &
sleep 30
if [ "$others" -gt 0 ]; then
    srun --nodes="$others" --ntasks="$others" --exclude="$head" \
        ray start --address="$head:6379" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
fi
# Workers are taken as their nodes come. When impasto ends, the script ends, and SLURM ends the nodes' processes.
impasto "$@" --on "ray://$head:10001"
