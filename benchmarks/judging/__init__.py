"""The parts of `judge_pocket.py`, a file each."""
