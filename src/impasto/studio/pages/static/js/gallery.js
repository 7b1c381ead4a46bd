import { $, api, announce, attempt, canSign, dialog, el, fill, full, later, number, plain, post, readOnly, shortcut, t, toast } from "./core.js";
import { hear, listen } from "./events.js";
import { bin, star, view } from "./viewer.js";
import { Wall } from "./wall.js";

const filters = $("#filters"), total = $("[data-total]"), fresh = $("[data-new]");
let next = null, begun = false, waiting = 0;

// What is looked for stands in the address, so that reload and the back button keep it.
const asked = new URLSearchParams(location.search);
for (const one of filters.elements) if (one.name && asked.has(one.name)) { if (one.type === "checkbox") one.checked = true; else { one.dataset.wanted = asked.get(one.name); one.value = asked.get(one.name); if (one.tagName === "SELECT" && !one.value) { one.append(el("option", { value: asked.get(one.name) }, asked.get(one.name))); one.value = asked.get(one.name); } } }
function query() {
  const found = new URLSearchParams();
  for (const one of filters.elements) if (one.name && (one.type === "checkbox" ? one.checked : one.value)) found.set(one.name, one.type === "checkbox" ? "true" : one.value);
  return found;
}
const short = ({ id, name, prompt, starred, binned, width, height, made_at }) => ({ id, name, prompt, starred, binned, width, height, made_at });
async function more(missing) {
  const wanted = query(), before = wall.entries, late = () => before !== wall.entries; // an answer to other filters is dropped
  if (wanted.get("way") === "words" && wanted.get("text")) {
    if (begun) return [];
    begun = true;
    const answer = await attempt(() => api(`/api/v1/gallery/search?${new URLSearchParams({ words: wanted.get("text"), most: "300" })}`));
    if (late()) return [];
    total.textContent = answer ? t("gallery.total", { count: number.format(answer.found.length) }) + (answer.waiting ? " " + t("gallery.wait", { count: number.format(answer.waiting) }) : "") : "";
    return answer ? answer.found.map((one) => short(one.entry)) : [];
  }
  if (begun && !next) return [];
  wanted.delete("way");
  if (wanted.has("until")) wanted.set("until", String(new Date(wanted.get("until") + "T23:59:59.999").getTime() / 1000));
  if (next) wanted.set("after", next);
  wanted.set("most", String(begun ? Math.min(1000, Math.max(200, missing)) : 120));
  const page = await attempt(() => api(`/api/v1/gallery?${wanted}`));
  if (!page || late()) return [];
  begun = true; next = page.next;
  if (page.total !== null) {
    wall.total = page.total; wall.layout();
    total.textContent = page.total ? t(filters.elements.binned.checked ? "gallery.binned" : "gallery.total", { count: number.format(page.total) }) : t("gallery.none");
  }
  return page.entries.map(short);
}
function load() {
  next = null; begun = false; waiting = 0; fresh.hidden = true;
  $("[data-empty]").hidden = !filters.elements.binned.checked || readOnly;
  wall.reset();
}
// The address is written at once, so that even a reload in the middle of typing keeps it; the answer waits for a pause.
const seed = filters.elements.seed, wrong = () => !/^\d*$/.test(seed.value);
const answer = later(() => { if (wrong()) { seed.setAttribute("aria-invalid", "true"); toast(t("seed.wrong"), { error: true }); } else load(); }, 200);
function search() {
  seed.removeAttribute("aria-invalid");
  if (!wrong()) history.replaceState(history.state, "", "/gallery" + (query().size ? "?" + query() : ""));
  answer();
}
filters.addEventListener("input", search);
filters.addEventListener("submit", (event) => { event.preventDefault(); search(); });

const changed = (id, what, entry) => {
  if (what === "starred") { const mine = wall.entries.find((one) => one.id === id); if (mine) { mine.starred = entry.starred; wall.redraw(id); } }
  else if (what === "binned" || what === "restored") { if ((what === "binned") !== filters.elements.binned.checked) wall.remove(id); else load(); }
};
let picking = null;
let lastChosen = null;
function openOne(entry, at, event) {
  if (picking && picking !== entry.id) { const first = picking; picking = null; compare(first, entry.id); return; }
  if (wall.choosing) {
    const from = wall.entries.findIndex((one) => one.id === lastChosen); // new pictures may have moved it
    if (event?.shiftKey && from >= 0) { // from the last one to this one
      for (let one = Math.min(from, at); one <= Math.max(from, at); one += 1) wall.chosen.add(wall.entries[one].id);
      wall.redraw(); counted();
    } else choose(entry);
    lastChosen = entry.id;
    return;
  }
  if (history.state?.picture !== entry.id) history.pushState({ picture: entry.id }, "", location.pathname + location.search + "#" + entry.id);
  viewing(entry.id);
}
let box = null;
const viewing = async (id) => {
  box = await view(id, {
    neighbour: (step, from = id) => wall.entries[wall.entries.findIndex((one) => one.id === from) + step]?.id ?? null, changed,
    shown: (now) => { if (history.state?.picture && history.state.picture !== now) history.replaceState({ picture: now }, "", location.pathname + location.search + "#" + now); },
    compare: (other) => { picking = other; toast(t("gallery.compare.pick")); },
    closed: () => { box = null; if (history.state?.picture) history.back(); },
  });
};
addEventListener("popstate", () => {
  const id = location.hash.slice(1);
  if (/^[0-9a-f]{20}$/.test(id)) { if (!box) viewing(id); } else { for (const one of document.querySelectorAll("dialog[open]")) one.close(); }
});

// Selecting, comparing, the bin.
function choose(entry) {
  if (wall.chosen.has(entry.id)) wall.chosen.delete(entry.id); else wall.chosen.add(entry.id);
  wall.redraw(entry.id); counted();
}
function counted() {
  $("[data-selection]").hidden = !wall.choosing;
  $("[data-selected]").textContent = t("gallery.selected", { count: wall.chosen.size });
  $("[data-compare]").disabled = wall.chosen.size !== 2;
  for (const one of ["download", "star-all", "bin-all"]) $(`[data-${one}]`).disabled = !wall.chosen.size || (readOnly && one !== "download");
}
function choosing(on) { wall.choosing = on; if (!on) wall.chosen.clear(); $("[data-select]").setAttribute("aria-pressed", on); wall.redraw(); counted(); }
$("[data-select]").addEventListener("click", () => choosing(!wall.choosing));
function compare(left, right) {
  const under = el("img", { src: full(left), alt: "1" }), over = el("img", { src: full(right), alt: "2" }), line = el("div", { class: "line" });
  const move = (share) => { over.style.clipPath = `inset(0 0 0 ${share}%)`; line.style.left = `${share}%`; };
  const slider = el("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": t("gallery.slider"), oninput: (event) => move(event.target.value) });
  const plane = el("div", { class: "compare" }, under, over, line);
  const drag = (event) => { const place = plane.getBoundingClientRect(); slider.value = Math.max(0, Math.min(100, ((event.clientX - place.left) / place.width) * 100)); move(slider.value); };
  plane.addEventListener("pointerdown", (event) => { plane.setPointerCapture(event.pointerId); drag(event); });
  plane.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
  dialog(t("compare"), el("div", { class: "stack" }, plane, slider), { wide: true });
  move(50);
}
$("[data-compare]").addEventListener("click", () => { const [left, right] = [...wall.chosen]; if (right) compare(left, right); });
// Chosen pictures as one archive: named first, then fetched by the browser itself, so that it need not fit into memory.
async function download(credentials) {
  const done = await attempt(() => post("/api/v1/downloads", { pictures: [...wall.chosen], credentials }));
  if (!done) return;
  const link = el("a", { href: done.path, download: "" });
  document.body.append(link); link.click(); link.remove();
  announce(t("gallery.downloading", { count: number.format(done.pictures) }));
}
$("[data-download]").addEventListener("click", () => {
  if (!canSign) { download(false); return; }
  const act = (credentials) => () => { box.close(); download(credentials); };
  const box = dialog(t("download"), el("div", { class: "stack" }, el("p", {}, t("gallery.download.how", { count: number.format(wall.chosen.size) })), el("div", { class: "row end" },
    el("button", { type: "button", onclick: act(false) }, t("download.plain")), el("button", { type: "button", class: "primary", onclick: act(true) }, t("download.signed")))));
});
$("[data-star-all]").addEventListener("click", async () => { for (const id of wall.chosen) { const entry = wall.entries.find((one) => one.id === id); if (entry && !entry.starred) await star(entry, changed); } });
$("[data-bin-all]").addEventListener("click", async () => {
  const ids = [...wall.chosen];
  for (const id of ids) if (!(await attempt(() => post(`/api/v1/gallery/${id}/bin`)))) return;
  choosing(false); load();
  toast(t("gallery.binned", { count: ids.length }), { action: [t("undo"), async () => { for (const id of ids) await attempt(() => post(`/api/v1/gallery/${id}/restore`)); load(); }] });
});
$("[data-empty]").addEventListener("click", () => {
  const sure = dialog(t("gallery.empty"), el("div", { class: "stack" }, el("p", {}, t("gallery.empty.sure")), el("div", { class: "row end" }, el("button", { type: "button", class: "danger", onclick: async () => { sure.close(); const done = await attempt(() => post("/api/v1/gallery/bin/empty")); if (done) { toast(t("gallery.emptied", { count: done.count })); load(); } } }, t("gallery.empty")))));
});
$("[data-rescan]").addEventListener("click", async () => { const done = await attempt(() => post("/api/v1/gallery/rebuild")); if (done) { toast(t("gallery.rescanned", done)); load(); names(); } });

// New pictures do not push what one looks at.
hear("picture", (data) => {
  if (filters.elements.binned.checked || filters.elements.way.value) return;
  setTimeout(async () => {
    if (wall.box.scrollTop > 10 || query().size) { waiting += 1; fresh.hidden = false; fresh.textContent = t("gallery.new", { count: waiting }); return; }
    const page = await api("/api/v1/gallery?most=10").catch(() => null);
    const entry = page?.entries.find((one) => one.id === data.id);
    if (entry) { wall.insert(short(entry)); total.textContent = t("gallery.total", { count: number.format(wall.total) }); }
  }, 300);
});
fresh.addEventListener("click", () => { load(); wall.box.focus(); });

async function names() {
  for (const of of ["artist", "checkpoint"]) {
    const rows = await api(`/api/v1/gallery/names?of=${of}`).catch(() => []);
    fill(filters.elements[of], rows.map((one) => [one.name, `${one.name} (${number.format(one.count)})`]), { first: t("gallery.all") });
  }
}
const wall = new Wall($("[data-wall]"), $("[data-inner]"), { more, open: openOne });
wall.keys = { ".": (entry) => star(entry, changed), Delete: (entry) => bin(entry.id, changed), x: (entry) => { if (!wall.choosing) choosing(true); choose(entry); } };
shortcut("/", t("key.search"), plain("/"), () => $("#text").focus());
shortcut("← →", t("key.arrows"), () => false, () => false);
shortcut(".", t("key.star"), () => false, () => false);
shortcut("Delete", t("key.delete"), () => false, () => false);
shortcut("x", t("key.select"), () => false, () => false);
shortcut("c", t("key.compare"), plain("c"), () => { if (wall.chosen.size !== 2) toast(t("gallery.compare.two")); else $("[data-compare]").click(); });
load(); names(); listen(); counted();
if (/^#[0-9a-f]{20}$/.test(location.hash)) { history.replaceState({ picture: location.hash.slice(1) }, "", location.href); viewing(location.hash.slice(1)); }
document.documentElement.dataset.ready = "yes";
