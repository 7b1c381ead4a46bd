"""What a painter looks at while it paints: works of a memory that a prompt finds, and pictures that a user shows it.

Tokens of their codes stand beside the text's states in the U-Net's cross-attention (Blattmann et al. 2022).
"""
