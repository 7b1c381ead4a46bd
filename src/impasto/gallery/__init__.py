"""The gallery: the index of what was painted. The pictures are the truth; the index can be rebuilt from them.

    gallery = Gallery.open(Workspace.open())
    page = gallery.page(Filter(text="boats", artist="Claude Monet"), most=60)      # newest first
    more = gallery.page(Filter(text="boats", artist="Claude Monet"), after=page.next)

| module | what it has |
|---|---|
| `records` | `Entry` (a picture), `Filter`, `Page` |
| `index.Gallery` | add, page, entry, star, bin and restore |
| `scanning` | `rebuild`: the index from the files; adds, never deletes |
| `words` | `WordSearch`: pictures by what they show, through a scorer's embeddings in a memory-mapped matrix |
| `thumbnails` | small copies of pictures, made when asked for |

A picture's id is the first 20 hexadecimal digits of the SHA-256 of its file, so clients name pictures by ids and never by
paths. Stars are written to `gallery-stars.jsonl` in the workspace, one line for each change, because no picture holds them.
A picture in the bin lies in `bin/` until it is restored or the bin is emptied.
"""
