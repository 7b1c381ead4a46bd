"""Reproduction of wang2023: its data, tables 1 to 3 and figures 7 to 11."""
