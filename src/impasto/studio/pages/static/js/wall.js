// A wall of pictures of which only the visible ones are elements, so that 100,000 scroll as 100 do.
import { $$, el, t, thumb } from "./core.js";

const LEAST = 132, AHEAD = 2; // px of a cell's side at least; rows that are drawn beyond the edges
export class Wall {
  /** `more()` returns a promise of the next entries, [] at the end; `open(entry, at)` and `toggle(entry)` are called. */
  constructor(box, inner, { more, open, toggle }) {
    Object.assign(this, { box, inner, more, open, toggle, entries: [], total: 0, at: 0, cells: new Map(), chosen: new Set(), loading: false, ended: false });
    box.addEventListener("scroll", () => this.soon(), { passive: true });
    new ResizeObserver(() => this.layout()).observe(box);
    box.addEventListener("keydown", (event) => this.key(event));
  }
  reset(total = 0) { this.entries = []; this.total = total; this.at = 0; this.ended = false; this.loading = false; this.cells.forEach((cell) => cell.remove()); this.cells.clear(); this.box.scrollTop = 0; this.layout(); }
  layout() {
    const width = this.box.clientWidth || 1;
    const middle = this.side ? Math.floor(this.box.scrollTop / this.side) * this.columns : 0;
    this.columns = Math.max(2, Math.floor(width / (width < 500 ? 108 : LEAST + 40)));
    this.side = width / this.columns;
    this.inner.style.height = `${Math.ceil(Math.max(this.total, this.entries.length) / this.columns) * this.side}px`;
    if (middle) this.box.scrollTop = Math.floor(middle / this.columns) * this.side;
    this.cells.forEach((cell) => cell.remove()); this.cells.clear();
    this.draw();
  }
  soon() { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = null; this.draw(); }); }
  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.side) - AHEAD) * this.columns;
    const last = (Math.ceil((this.box.scrollTop + this.box.clientHeight) / this.side) + AHEAD) * this.columns;
    for (const [at, cell] of this.cells) if (at < first || at >= last) { if (cell.contains(document.activeElement)) this.box.focus({ preventScroll: true }); cell.remove(); this.cells.delete(at); }
    for (let at = first; at < Math.min(last, this.entries.length); at += 1) if (!this.cells.has(at)) this.put(at);
    this.fetch(last);
  }
  async fetch(needed) {
    if (this.loading || this.ended || this.entries.length >= needed + this.columns * 4) return;
    this.loading = true;
    const asked = this.entries;
    const found = await this.more(needed - this.entries.length).catch(() => null);
    if (asked !== this.entries) return; // other filters meanwhile
    this.loading = false;
    if (!found?.length) { this.ended = true; this.total = this.entries.length; this.layout(); return; }
    this.entries.push(...found);
    if (this.entries.length > this.total) { this.total = this.entries.length; this.layout(); } else this.draw();
  }
  put(at) {
    const entry = this.entries[at], cell = el("div", { class: "cell" });
    Object.assign(cell.style, { width: `${this.side}px`, height: `${this.side}px`, transform: `translate(${(at % this.columns) * this.side}px, ${Math.floor(at / this.columns) * this.side}px)` });
    const name = entry.prompt || entry.name;
    const button = el("button", { type: "button", tabIndex: at === this.at ? 0 : -1, "aria-label": t("gallery.cell", { name, star: entry.starred ? ", ★" : "" }), onclick: (event) => { this.at = at; this.open(entry, at, event); }, onfocus: () => { this.at = at; } },
      el("img", { src: thumb(entry.id), alt: "", decoding: "async", draggable: false }), ...(entry.starred ? [el("span", { class: "mark", "aria-hidden": "true" }, "★")] : []));
    if (this.choosing) button.setAttribute("aria-pressed", this.chosen.has(entry.id));
    cell.append(button); this.inner.append(cell); this.cells.set(at, cell);
  }
  redraw(id) { for (const [at, cell] of [...this.cells]) if (!id || this.entries[at]?.id === id) { const focused = cell.contains(document.activeElement); cell.remove(); this.cells.delete(at); if (this.entries[at]) { this.put(at); if (focused) this.focus(at); } } }
  remove(id) {
    const at = this.entries.findIndex((one) => one.id === id);
    if (at < 0) return;
    this.entries.splice(at, 1); this.total -= 1; this.chosen.delete(id);
    const top = this.box.scrollTop; this.layout(); this.box.scrollTop = top;
    this.focus(Math.min(at, this.entries.length - 1));
  }
  insert(entry) { if (this.entries.some((one) => one.id === entry.id)) return; this.entries.unshift(entry); this.total += 1; this.layout(); }
  focus(at) {
    if (at < 0 || at >= this.entries.length) return;
    this.at = at;
    const top = Math.floor(at / this.columns) * this.side;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + this.side > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + this.side - this.box.clientHeight;
    this.draw();
    for (const [place, cell] of this.cells) cell.firstChild.tabIndex = place === at ? 0 : -1;
    this.cells.get(at)?.firstChild.focus({ preventScroll: true });
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = Math.max(1, Math.floor(this.box.clientHeight / this.side));
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns, PageUp: -this.columns * rows, PageDown: this.columns * rows, Home: -this.at, End: this.entries.length - 1 - this.at }[event.key];
    const entry = this.entries[this.at];
    if (step !== undefined) { event.preventDefault(); this.focus(event.target === this.box ? this.at : Math.max(0, Math.min(this.entries.length - 1, this.at + step))); }
    else if (entry && event.target !== this.box && this.keys?.[event.key]) { event.preventDefault(); this.keys[event.key](entry); }
  }
}
