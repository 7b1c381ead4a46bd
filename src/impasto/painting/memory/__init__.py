"""Retrieval for painting: works of a memory that match the prompt, and reference pictures from the user.

The U-Net's cross-attention attends to tokens of their codes beside the text's states (Blattmann et al. 2022).
"""
