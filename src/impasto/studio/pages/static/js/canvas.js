// The canvas: a picture, a mask or a scribble over it, and handles beyond its edges.
import { $, $$, announce, api, attempt, el, full, post, readOnly, shortcut, store, t, thumb, toast, upload, withCtrl } from "./core.js";
import { hear, listen } from "./events.js";
import { adapters } from "./adapters.js";
import { kindOptions, netOptions, offeredControls } from "./controls.js";
import { Form, offer } from "./form.js";
import { artistPicker } from "./artists.js";
import { view } from "./viewer.js";

const form = new Form($("#form"), "canvas");
const base = $("[data-base]"), over = $("[data-over]"), sheet = $("[data-sheet]"), easel = $("[data-easel]");
const kept = store.get("easel", { tab: true }) ?? {};
let picture = kept.picture ?? null, operations = kept.operations ?? [], undone = [], jobs = new Set(kept.jobs ?? []), results = kept.results ?? [], tool = "brush", scale = 1;
const keep = () => store.set("easel", { picture, operations, jobs: [...jobs], results }, { tab: true });
const mode = () => $("input[name=mode]:checked").value;
// The mask and the scribble have strokes of their own: what is undone is the last one of those on the screen.
const layer = () => (mode() === "control" ? "control" : "inpaint");
const ofMode = (one) => one.mode === layer();
const kind = () => $("#control_kind").value || "scribble";
const SIDES = ["left", "right", "up", "down"];
const edges = () => Object.fromEntries(SIDES.map((side) => [side, Math.max(0, Math.round(Number($(`#edge-${side}`).value) || 0))]));

// Radio buttons are kept beside the form, which knows fields with one value.
const chosenMode = store.get("canvas.mode", { tab: true });
if (chosenMode) for (const one of $$("input[name=mode]")) one.checked = one.value === chosenMode;

function draw() {
  const room = Math.max(160, easel.clientWidth - 32), { left, right, up, down } = mode() === "outpaint" ? edges() : { left: 0, right: 0, up: 0, down: 0 };
  const wide = base.width + left + right, high = base.height + up + down;
  scale = Math.min(room / wide, (innerHeight * 0.66) / high, 6);
  for (const one of [base, over]) { one.style.width = `${base.width * scale}px`; one.style.height = `${base.height * scale}px`; one.style.imageRendering = scale > 2 ? "pixelated" : "auto"; }
  sheet.style.margin = `${up * scale}px ${right * scale}px ${down * scale}px ${left * scale}px`;
  const out = mode() === "outpaint";
  const places = { left: [-left, 0, left, base.height], right: [base.width, 0, right, base.height], up: [-left, -up, wide, up], down: [-left, base.height, wide, down] };
  for (const side of SIDES) {
    const margin = $(`[data-margin=${side}]`), handle = $(`[data-handle=${side}]`), [x, y, w, h] = places[side];
    margin.hidden = !out || !(w * h); handle.hidden = !out;
    Object.assign(margin.style, { left: `${x * scale}px`, top: `${y * scale}px`, width: `${w * scale}px`, height: `${h * scale}px` });
    const away = { left, right, up, down }[side] * scale;
    Object.assign(handle.style, { left: "", right: "", top: "", bottom: "" });
    handle.style[{ left: "left", right: "right", up: "top", down: "bottom" }[side]] = `${-away - 12}px`;
  }
  const follows = mode() === "control", scribbling = follows && kind() === "scribble";
  over.hidden = mode() !== "inpaint" && !scribbling;
  const pen = over.getContext("2d");
  pen.clearRect(0, 0, over.width, over.height);
  if (mode() === "control") { pen.fillStyle = "#fff"; pen.fillRect(0, 0, over.width, over.height); }
  replay(pen, mode() === "control" ? "#111" : "#d0402a");
  over.style.opacity = mode() === "control" ? 1 : 0.55;
  $("[data-size]").textContent = picture ? `${base.width} × ${base.height} px` + (out && wide * high > base.width * base.height ? ` → ${wide} × ${high} px` : "") : "";
  const shown = [mode(), ...(scribbling ? ["scribble"] : [])];
  for (const one of $$("[data-for]")) one.hidden = !one.dataset.for.split(" ").some((name) => shown.includes(name));
  $("[data-brush]").textContent = `${$("#brush").value} px`; $("[data-strength]").textContent = $("#strength").value;
  $("[data-undo]").disabled = !operations.some(ofMode); $("[data-redo]").disabled = !undone.some(ofMode);
}
/** Draws the operations again: they are few numbers, so undo needs no copies of pixels. */
function replay(pen, colour) {
  const scribbling = mode() === "control";
  for (const one of operations) {
    if (!ofMode(one)) continue;
    pen.globalCompositeOperation = one.erase ? (scribbling ? "source-over" : "destination-out") : "source-over";
    pen.fillStyle = pen.strokeStyle = one.erase && scribbling ? "#fff" : colour;
    if (one.box) pen.fillRect(...one.box);
    else if (one.invert) { pen.globalCompositeOperation = "xor"; pen.fillRect(0, 0, over.width, over.height); }
    else if (one.clear) pen.clearRect(0, 0, over.width, over.height);
    else {
      pen.lineWidth = one.size; pen.lineCap = pen.lineJoin = "round"; pen.beginPath();
      one.points.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      if (one.points.length === 1) pen.lineTo(one.points[0][0] + 0.01, one.points[0][1]);
      pen.stroke();
    }
  }
  pen.globalCompositeOperation = "source-over";
}
const append = (operation) => { operations.push(operation); undone = undone.filter((one) => !ofMode(one)); };
const add = (operation) => { append({ mode: layer(), ...operation }); keep(); draw(); };

over.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  over.setPointerCapture(event.pointerId);
  const at = (one) => [Math.round((one.offsetX / scale) * 10) / 10, Math.round((one.offsetY / scale) * 10) / 10];
  const stroke = { mode: layer(), points: [at(event)], size: Number($("#brush").value), erase: tool === "eraser" };
  append(stroke); draw();
  const move = (one) => { for (const part of one.getCoalescedEvents?.() ?? [one]) stroke.points.push(at(part)); draw(); };
  over.addEventListener("pointermove", move);
  const end = () => { over.removeEventListener("pointermove", move); keep(); draw(); };
  over.addEventListener("pointerup", end, { once: true }); over.addEventListener("pointercancel", end, { once: true });
});
for (const handle of $$("[data-handle]")) {
  const side = handle.dataset.handle, field = $(`#edge-${side}`), sign = side === "left" || side === "up" ? -1 : 1;
  const put = (value) => { field.value = Math.max(0, Math.min(2048, Math.round(value / 8) * 8)); field.dispatchEvent(new Event("input", { bubbles: true })); };
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    const begun = side === "left" || side === "right" ? event.clientX : event.clientY, value = Number(field.value), by = scale;
    handle.onpointermove = (one) => put(value + (sign * ((side === "left" || side === "right" ? one.clientX : one.clientY) - begun)) / by);
    handle.onpointerup = handle.onpointercancel = () => { handle.onpointermove = null; };
  });
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -8, ArrowUp: -8, ArrowRight: 8, ArrowDown: 8 }[event.key];
    if (step) { event.preventDefault(); put(Number(field.value) + sign * step); announce(`${field.labels[0].textContent} ${field.value}`); }
  });
}

async function load(reference) {
  const [where, id] = reference.split(":");
  const image = new Image();
  image.src = where === "picture" ? full(id) : `/api/v1/uploads/${id}`;
  try { await image.decode(); } catch { picture = null; keep(); return; }
  if (picture !== reference) operations = operations.filter((one) => one.mode === "control");
  picture = reference;
  for (const one of [base, over]) { one.width = image.naturalWidth; one.height = image.naturalHeight; }
  base.getContext("2d").drawImage(image, 0, 0);
  sheet.hidden = false; $("[data-none]").hidden = true;
  keep(); draw();
}
async function open(file) { const done = await attempt(() => upload(file)); if (done) load(done.reference); }
$("#file").addEventListener("change", (event) => { if (event.target.files[0]) open(event.target.files[0]); event.target.value = ""; });
const asBlob = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));
$("[data-blank]").addEventListener("click", async () => {
  const blank = el("canvas", { width: 256, height: 256 }), pen = blank.getContext("2d");
  pen.fillStyle = "#fff"; pen.fillRect(0, 0, 256, 256);
  await open(await asBlob(blank));
  $("#control_kind").value = "scribble"; $("input[name=mode][value=control]").click();
});
document.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
document.addEventListener("drop", (event) => { const file = event.dataTransfer?.files[0]; if (file) { event.preventDefault(); open(file); } });
document.addEventListener("paste", (event) => { const file = event.clipboardData?.files[0]; if (file) { event.preventDefault(); open(file); } });

for (const one of $$("[data-tool]")) one.addEventListener("click", () => { tool = one.dataset.tool; for (const other of $$("[data-tool]")) other.setAttribute("aria-pressed", other === one); });
function moveLast(from, to) {
  const place = from.findLastIndex(ofMode);
  if (place >= 0) to.push(...from.splice(place, 1));
  keep(); draw();
}
const undo = () => moveLast(operations, undone), redo = () => moveLast(undone, operations);
$("[data-undo]").addEventListener("click", undo); $("[data-redo]").addEventListener("click", redo);
$("[data-clear]").addEventListener("click", () => add(mode() === "control" ? { box: [0, 0, 8192, 8192], erase: true } : { clear: true }));
$("[data-invert]").addEventListener("click", () => add({ invert: true }));
$("[data-box]").addEventListener("click", () => { add({ box: ["left", "top", "boxwidth", "boxheight"].map((name) => Number($(`#box-${name}`).value)) }); announce(t("canvas.box.add")); });
shortcut("Ctrl z", t("canvas.undo"), withCtrl("z"), undo);
shortcut("Ctrl Shift z", t("canvas.redo"), (event) => event.key.toLowerCase() === "z" && event.ctrlKey && event.shiftKey, redo);
for (const one of $$("input[name=mode]")) one.addEventListener("change", () => { store.set("canvas.mode", mode(), { tab: true }); draw(); });
addEventListener("resize", () => { if (picture) draw(); });

// A black sheet with the white mask, or the scribble dark on white.
async function drawn(scribble) {
  const plane = el("canvas", { width: base.width, height: base.height }), pen = plane.getContext("2d");
  if (scribble) { pen.fillStyle = "#fff"; pen.fillRect(0, 0, plane.width, plane.height); replay(pen, "#000"); return plane; }
  replay(pen, "#fff");
  const pixels = pen.getImageData(0, 0, plane.width, plane.height), data = pixels.data;
  let any = false;
  for (let at = 0; at < data.length; at += 4) { const on = data[at + 3] > 127; any ||= on; data[at] = data[at + 1] = data[at + 2] = on ? 255 : 0; data[at + 3] = 255; }
  pen.putImageData(pixels, 0, 0);
  return any ? plane : null;
}
async function paint() {
  if (!picture) { toast(t("canvas.nothing"), { error: true }); return; }
  const state = form.read(), { width, height, init, strength, ...asked } = form.request({ ...state, init: null });
  let seed;
  try { seed = form.seed(state); } catch (error) { toast(error.message, { error: true }); form.mark(error); return; }
  const job = { ...asked, count: Number(state.count || 1), preview_every: 0, ...seed }, how = mode();
  if (how === "inpaint") {
    const mask = await drawn(false);
    if (!mask) { toast(t("canvas.mask.empty"), { error: true }); return; }
    const sent = await attempt(async () => upload(await asBlob(mask)));
    if (!sent) return;
    Object.assign(job, { kind: "inpaint", file: picture, mask: sent.reference, strength: Number(state.strength) });
  } else if (how === "outpaint") {
    const given = Object.fromEntries(Object.entries(edges()).filter(([, value]) => value));
    if (!Object.keys(given).length) { toast(t("canvas.edges.empty"), { error: true }); return; }
    Object.assign(job, { kind: "outpaint", file: picture, ...given, strength: Number(state.strength) });
  } else if (how === "img2img") Object.assign(job, { kind: "paint", init: picture, strength: Number(state.strength) });
  else {
    const sent = kind() === "scribble" ? await attempt(async () => upload(await asBlob(await drawn(true)))) : { reference: picture };
    if (!sent) return;
    Object.assign(job, { kind: "paint", control: [`${kind()}=${sent.reference}`], control_weight: [Number(state.control_weight || 1)], ...(state.control_net ? { control_net: [state.control_net] } : {}) });
  }
  try {
    const done = await post("/api/v1/jobs", { job });
    jobs.add(done.id); keep(); say(t("queued.announce", { number: done.id }));
  } catch (error) { toast(error.message, { error: true }); form.mark(error); }
}
$("#form").addEventListener("submit", (event) => { event.preventDefault(); paint(); });
shortcut("Ctrl Enter", t("key.paint"), withCtrl("Enter"), paint, { typing: true });
if (readOnly) $("[data-paint]").disabled = true;
const say = (text) => { $("[data-state]").textContent = text; };
function showResults() {
  $("[data-results]").replaceChildren(...results.map((id) => el("button", { type: "button", "aria-label": t("open", { name: t("canvas.results") }), onclick: () => openResult(id) }, el("img", { src: thumb(id, 128), alt: "" }))));
}
async function openResult(id) {
  const box = await view(id, { neighbour: (step, from = id) => results[results.indexOf(from) + step] ?? null });
  box?.querySelector(".actions")?.prepend(el("button", { type: "button", class: "primary", onclick: () => { box.close(); load(`picture:${id}`); } }, t("canvas.take")));
}
hear("picture", (data) => { if (jobs.has(data.job) && data.id && !results.includes(data.id)) { setTimeout(() => { results = [data.id, ...results].slice(0, 40); keep(); showResults(); }, 400); } });
hear("progress", (data) => { if (jobs.has(data.job)) say(`${data.stage} ${data.share === null ? "" : Math.round(data.share * 100) + " %"}`); });
hear("job", ({ row }) => { if (jobs.has(row.id) && row.state !== "running" && row.state !== "queued") say(row.error ?? t("done.announce", { number: row.id })); });
hear("fresh", async () => {
  for (const id of jobs) { // what was finished while nobody looked
    const parts = await api(`/api/v1/jobs/${id}/parts`).catch(() => { jobs.delete(id); return []; });
    for (const one of parts.flatMap((part) => part.pictures)) if (one.id && !results.includes(one.id)) results.unshift(one.id);
  }
  keep(); showResults();
});

form.onChange(() => draw());
offeredControls().then((offered) => { // the page does not wait for the kinds and networks
  const wanted = form.wanted("control_kind") || "scribble", net = form.wanted("control_net");
  let nets = "";
  $("#control_kind").replaceChildren(...kindOptions(offered.kinds)); $("#control_kind").value = wanted;
  form.onChange((state) => {
    const now = `${state.checkpoint} ${kind()}`;
    if (nets === now) return;
    $("#control_net").replaceChildren(...netOptions(offered, state.checkpoint, kind())); $("#control_net").value = (nets ? "" : net) ?? ""; nets = now;
  });
  draw();
});
adapters(form);
const asked = new URLSearchParams(location.search).get("file") ?? "";
if (/^(picture|upload):[0-9a-f]{20}$/.test(asked)) { history.replaceState(null, "", "/canvas"); await load(asked); } else if (picture) await load(picture);
showResults(); draw(); listen();
await offer(form);
artistPicker(form);
document.documentElement.dataset.ready = "yes";
