"""The Python functions of `import impasto` besides `Painter`: each runs one job. There is one file per group of verbs."""
