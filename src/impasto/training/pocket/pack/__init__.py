"""Pocket's training in one folder, for a machine that has torch and transformers but neither diffusers nor a network.

`write_pack` makes the folder; `python FOLDER/train.py --minutes 9 --out OUT` trains there; `unpack` makes a run of OUT.
"""
