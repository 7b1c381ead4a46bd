"""The jobs as Python functions: what `import impasto` offers beside `Painter`. One file a group of verbs."""
