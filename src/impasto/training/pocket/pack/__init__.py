"""Packs pocket's training into a folder, for a machine with torch and transformers but without diffusers or a network.

`write_pack` makes the folder; `python FOLDER/train.py --minutes 9 --out OUT` trains there; `unpack` makes a run of OUT.
"""
