import { $, $$, api, announce, attempt, dialog, el, full, later, number, plain, post, readOnly, shortcut, store, t, thumb, toast, upload, withCtrl } from "./core.js";
import { hear, listen } from "./events.js";
import { adapters } from "./adapters.js";
import { controls } from "./controls.js";
import { Form, fromRecord, NOTHING, offer } from "./form.js";
import { artistPicker } from "./artists.js";
import { promptKeys, remember } from "./prompt.js";
import { recordTable, view } from "./viewer.js";

const root = document.getElementById("main");
const form = new Form(root, "paint");
const stage = $("[data-stage]"), strip = $("[data-strip]"), foot = $("[data-progress]"), bar = $("progress"), stageText = $("[data-stage-text]");
const stop = $("[data-stop]");
let running = null, shown = null, lastSeed = null, startedAt = 0;
const recent = [];

// What the stage shows: a picture, or the preview of one.
function show(source, alt, { tag, id } = {}) {
  const image = el("img", { src: source, alt });
  image.addEventListener("load", () => {
    stage.replaceChildren(id ? el("button", { type: "button", class: "open", "aria-label": t("open", { name: alt }), onclick: () => open(id) }, image) : image, ...(tag ? [el("span", { class: "tag" }, tag)] : []));
  }, { once: true });
  shown = id ?? null;
}
const open = (id) => view(id, { neighbour: (step, from = id) => recent[recent.indexOf(from) + step] ?? null, changed: (_, what) => { if (what !== "starred") loadRecent(); } });

async function loadRecent() {
  const page = await api("/api/v1/gallery?most=24").catch(() => null);
  if (!page) return;
  recent.splice(0, recent.length, ...page.entries.map((one) => one.id));
  strip.replaceChildren(...page.entries.map((one) => el("button", { type: "button", "aria-label": t("open", { name: one.prompt || one.name }), onclick: () => open(one.id) }, el("img", { src: thumb(one.id, 128), alt: "", loading: "lazy" }))));
  lastSeed = page.entries[0]?.seed ?? lastSeed;
  if (!shown && page.entries.length && !stage.querySelector("img")) show(full(page.entries[0].id), page.entries[0].prompt || page.entries[0].name, { id: page.entries[0].id });
}

// Painting: a request becomes a job of the queue.
function requestOf(state, batch) {
  const asked = form.request(state), seed = form.seed(state), count = Number(state.count || 1);
  if (!batch) return { kind: "paint", ...asked, count, ...seed, preview_every: Math.max(3, Math.round(Number(state.steps || 20) / 7)) };
  const lines = (text) => (text ?? "").split("\n").map((line) => line.trim()).filter(Boolean);
  const { prompt, artist, ...base } = asked;
  const prompts = lines(state.prompts), artists = lines(state.artists);
  return { kind: "batch", base, prompts: prompts.length ? prompts : [prompt ?? ""], artists: artists.length ? artists : artist ? [artist] : [], count, ...seed };
}
async function paint({ front = false, batch = false } = {}) {
  const state = form.read();
  form.save();
  try {
    const done = await post("/api/v1/jobs", { job: requestOf(state, batch), front, key: crypto.randomUUID?.() ?? String(Math.random()) });
    remember(state.prompt);
    announce(t("queued.announce", { number: done.id }));
    if (batch) toast(t("batch.queued", { count: number.format(done.units) }), { action: [t("page.queue"), () => { location.href = "/queue"; }] });
  } catch (error) { toast(error.message, { error: true }); form.mark(error); }
}
$("#paint").addEventListener("submit", (event) => { event.preventDefault(); paint(); });
$("[data-batch]").addEventListener("click", () => paint({ batch: true }));
if (readOnly) for (const one of $$("[data-paint], [data-batch]")) one.disabled = true;
shortcut("Ctrl Enter", t("key.paint"), withCtrl("Enter"), () => paint(), { typing: true });
shortcut("Ctrl Shift Enter", t("key.front"), (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.shiftKey, () => paint({ front: true }), { typing: true });
shortcut("Esc", t("key.stop"), plain("Escape"), () => { if (!stoppable()) return false; halt(); return true; }, { typing: true });
shortcut("Alt ↑ ↓", t("key.history"), () => false, () => false);
shortcut("Ctrl ↑ ↓", t("key.weight"), () => false, () => false);
shortcut("p", t("key.prompt"), plain("p"), () => $("#prompt").focus());

async function halt() {
  const id = running?.id;
  if (id && (await attempt(() => post(`/api/v1/jobs/${id}/cancel`)))) toast(t("stopped"), { action: [t("retry"), () => attempt(() => post(`/api/v1/jobs/${id}/retry`))] });
}
stop.addEventListener("click", halt);

// What happens in the queue.
function runs(job) {
  if (job && running?.id !== job.id) { startedAt = Date.now(); announced = 0; }
  running = job; stop.disabled = !stoppable() || readOnly; foot.hidden = !job;
  if (!job) { document.title = document.title.replace(/^\d+ % – /, ""); bar.value = 0; }
  else stageText.textContent = t("running", { number: job.id, title: job.title });
}
// A training or a paper's reproduction runs for hours: a key on this page does not end it, the page Queue does.
function stoppable() { return running && !/^(train|reproduce)\//.test(running.kind); }
let announced = 0;
hear("fresh", async () => {
  const waiting = await api("/api/v1/jobs/waiting?most=50").catch(() => []);
  runs(waiting.find((one) => one.state === "running") ?? null);
  await loadRecent();
});
hear("counts", (counts) => { const place = $("[data-waiting]"); place.textContent = counts.paused ? t("queue.paused") : counts.queued ? t("waiting", { count: counts.queued }) : ""; });
hear("job", ({ row }) => {
  if (row.state === "running") runs(row);
  else if (running?.id === row.id) runs(null);
  if (row.state === "failed") toast(t("failed", { number: row.id, error: row.error ?? "" }), { error: true, action: [t("retry"), () => attempt(() => post(`/api/v1/jobs/${row.id}/retry`))] });
  if (row.state === "done") { announce(t("done.announce", { number: row.id })); soonRecent(); }
});
hear("progress", (data) => {
  if (running?.id !== data.job) return;
  const part = Math.min(1, data.share ?? 0), whole = running.units > 1 ? Math.min(1, ((data.unit ?? 0) + part) / running.units) : part;
  bar.value = whole;
  const seconds = (Date.now() - startedAt) / 1000, left = whole > 0.05 ? Math.ceil((seconds / whole) * (1 - whole)) : null;
  stageText.textContent = [running.units > 1 ? t("part", { part: (data.unit ?? 0) + 1, of: running.units }) : "", running.units > 1 && /^1 \D+ 1$/.test(data.stage) ? "" : data.stage, left === null ? "" : t("eta", { seconds: left })].filter(Boolean).join(" · ");
  document.title = `${Math.round(whole * 100)} % – ` + document.title.replace(/^\d+ % – /, "");
  if (whole - announced >= 0.25) { announced = whole; announce(t("progress.announce", { percent: Math.round(whole * 100) })); }
});
hear("preview", (data) => { if (running?.id === data.job) show(`/api/v1/jobs/${data.job}/preview?picture=${data.number}&at=${data.steps}-${data.unit}`, t("preview"), { tag: t("preview.steps", { steps: data.steps }) }); });
const soonRecent = later(loadRecent, 300);
hear("picture", async (data) => {
  for (let tries = 0; tries < 10; tries += 1) { // it is told before the index has it
    await new Promise((done) => setTimeout(done, 150));
    await loadRecent();
    if (!recent.includes(data.id)) continue;
    show(full(data.id), data.prompt || data.name, { id: data.id });
    lastSeed = data.seed ?? lastSeed;
    return;
  }
});

// The live preview follows the typing; a newer one replaces an older one.
const paints = () => stoppable(); // then a preview would only be in its way
let looking = null, previewed = "";
const preview = later(async (state) => {
  const { count, ...asked } = form.request(state);
  const job = { kind: "paint", ...asked, seed: /^\d+$/.test(state.seed) ? Number(state.seed) : 1 };
  for (const name of ["expand", "best_of"]) delete job[name];
  const text = JSON.stringify(job);
  if (!state.live || readOnly || paints() || !state.prompt.trim() || text === previewed) return;
  previewed = text;
  looking?.abort();
  looking = new AbortController();
  const mine = looking;
  try {
    const image = await api("/pages/preview", { body: job, blob: true, signal: mine.signal });
    if (!image || mine !== looking || paints()) return;
    const source = URL.createObjectURL(image);
    show(source, t("live.alt", { prompt: state.prompt }), { tag: t("live.tag") });
    setTimeout(() => URL.revokeObjectURL(source), 10000);
  } catch (error) {
    if (error.name === "AbortError") return;
    previewed = "";
    if (mine === looking && error.status !== 0) { $("#prompt-note").textContent = error.message; $("#prompt-note").classList.add("bad"); }
    return;
  }
  $("#prompt-note").textContent = t("prompt.note"); $("#prompt-note").classList.remove("bad");
}, 350);

// Size, seed, start picture, expansions, wildcards.
const set = (values) => form.write(values);
$("[data-swap]").addEventListener("click", () => { const state = form.read(); set({ width: state.height, height: state.width }); });
$("[data-seed-last]").addEventListener("click", () => { if (lastSeed !== null) set({ seed: String(lastSeed) }); });
$("[data-seed-next]").addEventListener("click", () => { const { seed } = form.read(); set({ seed: String(seed === "" ? (lastSeed ?? 0) + 1 : Number(seed) + 1) }); });
$("[data-seed-none]").addEventListener("click", () => set({ seed: "" }));
$("[data-reset]").addEventListener("click", () => {
  const before = form.read();
  set({ ...form.initial, ...NOTHING });
  toast(t("reset.done"), { action: [t("undo"), () => set(before)] });
});
const sourceUrl = (reference) => { const [where, id] = reference.split(":"); return where === "picture" ? thumb(id) : `/api/v1/uploads/${id}`; };
let drawnInit = "";
function drawStart(state) {
  $("[data-strength]").textContent = state.strength;
  $("[data-start-note]").textContent = state.init ? t("start.on") : "";
  if (drawnInit === (state.init ?? "none")) return;
  drawnInit = state.init ?? "none";
  $("[data-source]").replaceChildren(...(state.init ? [el("div", { class: "source" }, el("img", { src: sourceUrl(state.init), alt: t("start") }), el("span", { class: "small faint" }, t("start.help")), el("button", { type: "button", "aria-label": t("start.remove"), onclick: () => set({ init: null }) }, "×"))] : []));
}
async function start(file) { const kept = await attempt(() => upload(file)); if (kept) { set({ init: kept.reference }); $("details[data-keep=start]").open = true; } }
$("#start-file").addEventListener("change", (event) => { if (event.target.files[0]) start(event.target.files[0]); event.target.value = ""; });

$("[data-expand]").addEventListener("click", async (event) => {
  const button = event.currentTarget, place = $("[data-expansions]"), { prompt } = form.read();
  button.disabled = true; place.replaceChildren(el("p", { class: "faint" }, t("expansions.wait")));
  const answer = await attempt(() => post("/pages/expand", { prompt, count: 6 }));
  button.disabled = false;
  if (!answer) { place.replaceChildren(); return; }
  if (!answer.found.length) place.replaceChildren(el("p", {}, t("expansions.nothing")));
  else place.replaceChildren(...answer.found.map((one) => el("div", { class: "expansion" },
    el("p", {}, el("span", {}, one.text.slice(0, one.text.length - one.added.length)), el("strong", {}, one.added)),
    el("div", { class: "terms" }, el("span", {}, t("score", { score: one.score.toFixed(3) })), ...Object.entries(one.components).map(([name, value]) => el("span", {}, `${name} ${value.toFixed(3)}`)), el("span", {}, t("expansions.source", { source: one.source }))),
    el("div", { class: "row" }, el("button", { type: "button", class: "small", onclick: () => { set({ prompt: one.text }); announce(t("expansions.taken")); } }, t("expansions.use")),
      el("button", { type: "button", class: "small", onclick: () => { const kept = form.read().prompts ?? ""; set({ prompts: (kept ? kept.trimEnd() + "\n" : "") + one.text }); toast(t("expansions.batched")); } }, t("expansions.batch"))))),
    ...(answer.dropped.length ? [el("details", {}, el("summary", {}, t("expansions.dropped", { count: answer.dropped.length })), el("ul", { class: "small" }, answer.dropped.map((one) => el("li", {}, `${one.text} – ${one.reason}`))))] : []));
});

const tryWildcards = later(async (state) => {
  const place = $("[data-wildcards]");
  if (!/[{_]/.test(state.prompt)) { place.replaceChildren(); return; }
  const answer = await api("/pages/wildcards", { body: { prompt: state.prompt, seed: /^\d+$/.test(state.seed) ? Number(state.seed) : 0, count: 6 } }).catch((error) => ({ found: [], notes: [error.message] }));
  place.replaceChildren(...(answer.notes ?? []).map((one) => el("li", { class: "bad" }, one)), ...answer.found.map((one) => el("li", {}, one)));
}, 300);
api("/pages/wildcards").then((names) => $("[data-wildcard-names]").append(...Object.entries(names).map(([name, values]) => el("button", { type: "button", class: "small", title: t("wildcards.values", { values }), onclick: () => {
  const area = $("#prompt"); area.setRangeText(`__${name}__`, area.selectionStart, area.selectionEnd, "end"); area.focus(); area.dispatchEvent(new Event("input", { bubbles: true }));
} }, `__${name}__`))), () => {});

// Any picture that is dropped or pasted is read.
async function readPicture(file) {
  const kept = await attempt(() => upload(file));
  if (!kept) return;
  const told = await api(`/api/v1/uploads/${kept.id}/record`).catch((error) => error);
  const use = (what) => () => { set(fromRecord(told, what)); box.close(); announce(t("recalled")); };
  const choices = told instanceof Error ? [el("p", {}, told.message)] : [el("div", { class: "row actions" }, el("button", { type: "button", class: "primary", onclick: use("all") }, t("recall.all")), el("button", { type: "button", onclick: use("remix") }, t("remix")), el("button", { type: "button", onclick: use("prompt") }, t("recall.prompt"))), recordTable(told)];
  const box = dialog(t("dropped"), el("div", { class: "viewing" }, el("div", { class: "picture" }, el("img", { src: `/api/v1/uploads/${kept.id}`, alt: t("dropped") })),
    el("div", { class: "stack" }, el("div", { class: "row actions" }, el("button", { type: "button", onclick: () => { set({ init: kept.reference }); box.close(); } }, t("to.start")), el("a", { class: "button", href: `/canvas?file=${kept.reference}` }, t("to.canvas"))), ...choices)), { wide: true });
}
document.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
document.addEventListener("drop", (event) => { const file = event.dataTransfer?.files[0]; if (file) { event.preventDefault(); readPicture(file); } });
document.addEventListener("paste", (event) => { const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/")); if (file) { event.preventDefault(); readPicture(file); } });

// What an address asks for: /?recall=ID&what=remix, /?init=picture:ID, /?checkpoint=run:NAME, /?prompt=...
async function arrive() {
  const asked = new URLSearchParams(location.search);
  if (![...asked.keys()].length) return;
  const id = asked.get("recall");
  if (id && /^[0-9a-f]{20}$/.test(id)) {
    const told = await attempt(() => api(`/api/v1/pictures/${id}/record`));
    if (told) { set(fromRecord(told, asked.get("what") ?? "all") ?? {}); announce(t("recalled")); }
  }
  if (/^(picture|upload):[0-9a-f]{20}$/.test(asked.get("init") ?? "")) { set({ init: asked.get("init") }); $("details[data-keep=start]").open = true; }
  for (const name of ["prompt", "artist", "checkpoint", "seed"]) if (asked.has(name)) set({ [name]: asked.get(name) });
  if (asked.get("lora")) { form.extra.loras = [{ name: asked.get("lora"), weight: 1 }]; set({}); }
  history.replaceState(null, "", "/");
}

promptKeys($("#prompt"));
adapters(form);
controls(form);
await arrive();
form.onChange(drawStart);
form.onChange(preview);
form.onChange(tryWildcards);
form.onChange((state) => {
  const lines = (text) => (text ?? "").split("\n").filter((line) => line.trim()).length;
  const total = Math.max(1, lines(state.prompts)) * Math.max(1, lines(state.artists)) * Number(state.count || 1);
  $("[data-batch-note]").textContent = lines(state.prompts) + lines(state.artists) ? t("batch.total", { count: number.format(total) }) : "";
});
listen();
await offer(form);
artistPicker(form);
document.documentElement.dataset.ready = "yes";
