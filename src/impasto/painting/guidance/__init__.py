"""How a painting is led towards its prompt: one guider a file, all of one signature, by name in `guiders`."""
