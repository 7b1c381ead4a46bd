"""Where results go and shards lie: a folder, or an object store that fsspec reaches (`s3://bucket/...`).

`store_of(place)` gives a `Store`. A writer needs only `put_if_absent`: nothing is renamed, nothing is replaced.
"""
