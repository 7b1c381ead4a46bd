// One picture: large, with its record and what can be made of it.
import { $, api, attempt, announce, canSign, dialog, el, full, post, readOnly, t, toast, when } from "./core.js";

const SHOWN = ["prompt", "artist", "style", "genre", "year", "negative", "expansion", "checkpoint", "sampler", "steps", "guidance", "guider", "seed", "size", "loras", "version"];

/** A table of a record. */
export function recordTable({ tool, record }) {
  const flat = { ...record.condition, ...record, size: record.width ? `${record.width} × ${record.height}` : "" };
  flat.loras = (record.loras ?? []).map((one) => `${one.name} ${one.scale ?? ""}`).join(", ");
  if (record.extra) Object.assign(flat, record.extra);
  const names = [...SHOWN, ...Object.keys(record.extra ?? {})];
  const rows = names.filter((name) => ![undefined, null, ""].includes(flat[name])).map((name) => [el("dt", {}, t("record." + name).replace("record.", "")), el("dd", {}, String(flat[name]))]);
  const whole = el("details", {}, el("summary", {}, t("record.whole")), el("pre", { class: "small scroll", tabindex: "0" }, JSON.stringify(record, null, 1)));
  return el("div", {}, tool === "impasto" ? null : el("p", { class: "small faint" }, t("record.tool", { tool })), el("dl", { class: "record" }, rows.flat()), whole);
}

/** Puts a picture into the bin, with an undo. */
export async function bin(id, changed = () => {}) {
  const done = await attempt(() => post(`/api/v1/gallery/${id}/bin`));
  if (!done) return false;
  changed(id, "binned");
  toast(t("binned"), { action: [t("undo"), async () => { if (await attempt(() => post(`/api/v1/gallery/${id}/restore`))) { changed(id, "restored"); announce(t("restored")); } }] });
  return true;
}
/** Paints variations: the same record with other seeds. */
export async function vary(id, count = 4) {
  const seeds = [...crypto.getRandomValues(new Uint32Array(count))];
  const done = await Promise.all(seeds.map((seed) => attempt(() => post("/api/v1/jobs", { job: { kind: "repaint", file: `picture:${id}`, seed } }))));
  if (!done.every(Boolean)) return;
  toast(t("vary.done", { count }), { action: [t("page.queue"), () => { location.href = "/queue"; }] });
}
export async function star(entry, changed = () => {}) {
  const done = await attempt(() => post(`/api/v1/gallery/${entry.id}/star`, { starred: !entry.starred }));
  if (done) { entry.starred = done.starred; changed(entry.id, "starred", entry); announce(t(done.starred ? "starred" : "unstarred")); }
}

/** Opens a picture. `neighbour(step)` returns the id of the one before (-1) or after (1), if there is one. */
export async function view(id, { neighbour = () => null, changed = () => {}, compare, closed, shown } = {}) {
  const entry = await attempt(() => api(`/api/v1/gallery/${id}`));
  if (!entry) { closed?.(); return null; }
  let moving = false;
  shown?.(id);
  const image = el("img", { src: full(id), alt: entry.prompt || entry.name });
  const go = (step) => { const next = neighbour(step); if (next) { moving = true; box.close(); view(next, { neighbour: (more, from = next) => neighbour(more, from), changed, compare, closed, shown }); } };
  const link = (href, text) => el("a", { class: "button", href }, text);
  const button = (text, action, attributes = {}) => el("button", { type: "button", onclick: action, ...attributes }, text);
  const starButton = button(t("star"), () => star(entry, (...told) => { changed(...told); draw(); }), { "data-star": "" });
  const draw = () => { starButton.textContent = entry.starred ? "★ " + t("star.off") : "☆ " + t("star"); starButton.setAttribute("aria-pressed", entry.starred); };
  const about = el("div", { "data-record": "" }, el("p", { class: "faint" }, t("loading")));
  const changing = readOnly ? [] : [starButton, button(t("vary"), () => vary(id)), button(t("repaint"), async () => { if (await attempt(() => post("/api/v1/jobs", { job: { kind: "repaint", file: `picture:${id}` } }))) toast(t("queued")); }),
    button(t("upscale"), async () => { if (await attempt(() => post("/api/v1/jobs", { job: { kind: "upscale", pictures: [`picture:${id}`] } }))) toast(t("queued")); }),
    entry.binned ? button(t("restore"), async () => { if (await attempt(() => post(`/api/v1/gallery/${id}/restore`))) { changed(id, "restored"); box.close(); } })
      : button(t("bin"), async () => { if (await bin(id, changed)) box.close(); }, { class: "danger" })];
  const side = el("div", { class: "stack" },
    el("p", { class: "small faint" }, `${entry.width} × ${entry.height} px · ${when(entry.made_at)}`),
    el("div", { class: "row actions" }, link(`/?recall=${id}&what=all`, t("recall.all")), link(`/?recall=${id}&what=remix`, t("remix")), link(`/?recall=${id}&what=prompt`, t("recall.prompt")), link(`/?recall=${id}&what=seed`, t("recall.seed"))),
    el("div", { class: "row actions" }, changing),
    el("div", { class: "row actions" }, link(`/canvas?file=picture:${id}`, t("to.canvas")), link(`/?init=picture:${id}`, t("to.start")), compare ? button(t("compare"), () => { box.close(); compare(id); }) : null,
      el("a", { class: "button", href: `${full(id)}?download=true`, download: entry.name }, t("download")), canSign ? el("a", { class: "button", href: `${full(id)}?credentials=true`, download: "" }, t("download.signed")) : null), about);
  const box = dialog(t("picture"), el("div", { class: "viewing" }, el("div", { class: "picture" }, image), side), { wide: true, onclose: () => { if (!moving) closed?.(); } });
  box.dataset.picture = id;
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, pre")) return;
    const keys = { ArrowLeft: () => go(-1), ArrowRight: () => go(1), ".": () => starButton.click(), Delete: () => $(".danger", box)?.click() };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  draw();
  const told = await api(`/api/v1/pictures/${id}/record`).catch((error) => error);
  about.replaceChildren(told instanceof Error ? el("p", { class: "faint" }, told.message) : recordTable(told));
  return box;
}
