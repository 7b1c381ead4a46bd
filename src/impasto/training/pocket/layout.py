"""What lies where in a run's folder of `impasto train pocket`."""

AUTOENCODER = "autoencoder"
PHASES = "phases"  # states of the autoencoder and the decoder
BEGIN = "begin"  # what was unpacked from a pack's training, to go on from
CHECKPOINT = "checkpoint"
LARGE = "checkpoint-large"  # with a decoder for pictures of twice the size
GAP = "gap.jsonl"  # the low-noise loss of trained and held-out pictures
