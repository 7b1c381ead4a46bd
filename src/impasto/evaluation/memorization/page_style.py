"""CSS of the page on copies, with a light and a dark colour scheme."""

STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf8; --ink: #1d1b18; --faint: #5c574f; --line: #d8d3ca; --card: #fff;
  --copy: #a3261b; --mark: #d8400f; }
@media (prefers-color-scheme: dark) { :root { --ground: #171614; --ink: #ece8e1; --faint: #b3aca0; --line: #3b3832;
  --card: #201e1b; --copy: #ff9082; --mark: #ff8a5c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 60rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.25; }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
a { color: inherit; }
.skip { position: absolute; left: -100vw; }
.skip:focus { position: static; }
section > ol { list-style: none; margin: 1rem 0; padding: 0; display: grid; gap: 1rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; }
h3 { margin: 0 0 .75rem; font-size: 1.05rem; }
article p { margin: .75rem 0 0; color: var(--faint); }
.copy strong { color: var(--copy); }
.pair { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; width: 13rem; max-width: 100%; }
figcaption { overflow-wrap: anywhere; color: var(--faint); font-size: .9rem; margin-top: .35rem; }
figcaption b { color: var(--ink); font-weight: 600; }
.seen { position: relative; display: inline-block; line-height: 0; max-width: 100%; }
.seen img { max-width: 100%; height: auto; }
.part { position: absolute; border: 2px solid var(--mark); box-shadow: 0 0 0 1px #fff, inset 0 0 0 1px #fff; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; overflow-wrap: anywhere; }
th { font-weight: 600; white-space: nowrap; }
summary { cursor: pointer; font-weight: 600; padding: .25rem 0; }
@media print { article { break-inside: avoid; } }
"""
