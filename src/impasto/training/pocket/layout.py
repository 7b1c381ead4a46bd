"""Names of the files and folders in a run's folder of `impasto train pocket`."""

AUTOENCODER = "autoencoder"
LARGE_AUTOENCODER = "autoencoder-large"  # of a checkpoint with f = 16 that the run begins from
PHASES = "phases"  # states of the autoencoder and the decoder
BEGIN = "begin"  # the unpacked result of a pack's training, to resume from
CHECKPOINT = "checkpoint"
LARGE = "checkpoint-large"  # with a decoder for pictures of twice the size
GAP = "gap.jsonl"  # the low-noise loss of trained and held-out pictures

FACTOR = 8  # pixels that a latent covers in training; a decoder for pictures of twice the size doubles it
