"""Server-rendered pages. Their files are in `templates` and `static`; nothing is fetched from elsewhere."""
