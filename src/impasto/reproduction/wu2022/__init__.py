"""Reproduction of wu2022: figures 4 to 12, with the ablation of its two stages of retraining."""
