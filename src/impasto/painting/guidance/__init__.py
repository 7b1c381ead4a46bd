"""Guidance methods: one module for each guider, all with the same `predictor` function. `guiders` lists them by name."""
