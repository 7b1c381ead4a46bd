import { $, announce, api, attempt, el, fill, later, number, plain, post, readOnly, shortcut, store, t, toast, upload } from "./core.js";
import { hear, listen } from "./events.js";
import { histogram } from "./chart.js";

const select = $("#catalogue"), threshold = $("#threshold"), place = $("[data-item]");
let known = null, review = null, busy = false, coming = null; // `coming`: the catalogue an import was queued for
const address = (name = select.value) => `/pages/catalogues/${encodeURIComponent(name)}`;

async function names() {
  const found = await api("/api/v1/options/catalogues").catch(() => []);
  const wanted = select.value || new URLSearchParams(location.search).get("catalogue") || store.get("catalogue");
  fill(select, found.map((one) => [one, one]), found.length ? {} : { first: t("data.none") });
  if (found.includes(wanted)) select.value = wanted;
  if (coming && found.includes(coming)) { // the imported pictures take the place of the catalogue that was shown
    select.value = coming; coming = null; review = null;
    history.replaceState(null, "", `/data?catalogue=${encodeURIComponent(select.value)}`);
  }
  $("[data-work]").hidden = !found.length || readOnly; $("[data-import]").open ||= !found.length;
  return select.value;
}
async function show() {
  for (const one of ["filter", "review"]) $(`[data-${one}]`).hidden = !select.value;
  if (!select.value) { $("[data-facts]").textContent = ""; return; }
  store.set("catalogue", select.value);
  known = await attempt(() => api(address()));
  if (!known) return;
  $("[data-facts]").textContent = [t("data.pictures", { count: number.format(known.pictures) }), t("data.captioned", { count: number.format(known.captioned) }), t("data.reviewed", { count: number.format(known.reviewed) })].join(" · ");
  draw();
}
function draw() {
  const values = known?.similarities ?? [], below = Number(threshold.value), dropped = values.filter((one) => one < below).length;
  $("[data-threshold]").textContent = below.toFixed(3);
  $("[data-threshold-row]").hidden = !values.length;
  $("[data-drops]").textContent = t("data.drops", { dropped: number.format(dropped), of: number.format(values.length) });
  $("[data-chart]").replaceChildren(values.length ? histogram(values, below, t("data.chart", { count: values.length, low: values[0], high: values.at(-1) })) : el("p", { class: "faint" }, t("data.nosimilarity")));
}
threshold.addEventListener("input", draw);
select.addEventListener("change", async () => { history.replaceState(null, "", `/data?catalogue=${encodeURIComponent(select.value)}`); await show(); begin(); });
const queued = (job) => job && toast(t("queued.announce", { number: job.id }), { action: [t("page.queue"), () => { location.href = "/queue"; }] });
for (const kind of ["tag", "caption"]) $(`[data-job=${kind}]`).addEventListener("click", async () => queued(await attempt(() => post("/api/v1/jobs", { job: { kind, catalogue: select.value } }))));
$("[data-compare]").addEventListener("click", async () => queued(await attempt(() => post(`${address()}/compare`))));
$("[data-apply]").addEventListener("click", async () => queued(await attempt(() => post(`${address()}/filter`, { below: Number(threshold.value) }))));

$("#import").addEventListener("submit", async (event) => {
  event.preventDefault();
  const files = [...$("#files").files], pictures = files.filter((one) => /^image\//.test(one.type)), name = $("#name").value.trim(), sent = [];
  const stem = (file) => file.name.replace(/\.[^.]+$/, "");
  const done = await attempt(async () => {
    for (const file of pictures) {
      const kept = await upload(file), beside = files.find((one) => one.name === stem(file) + ".txt");
      sent.push({ upload: kept.id, name: file.name, text: beside ? (await beside.text()).slice(0, 10000) : "" });
      $("[data-sent]").textContent = t("data.sending", { done: sent.length, of: pictures.length });
    }
    return post(`${address(name)}/import`, { files: sent, artist: $("#artist").value.trim() });
  });
  if (done) { coming = name; queued(done); $("[data-sent]").textContent = ""; event.target.reset(); }
});

// The review: one picture after the other, by keys, on the same log as the terminal's.
const asked = () => `/pages/reviews/${encodeURIComponent(select.value)}?${new URLSearchParams({ order: $("#order").value, only: $("#only").value })}`;
async function begin() {
  if (!select.value) return;
  const wanted = asked(), found = await attempt(() => api(wanted));
  if (wanted === asked()) { review = found; item(); } // a late answer about what is no longer shown is dropped
}
for (const id of ["order", "only"]) { const kept = store.get("review." + id); if (kept) $("#" + id).value = kept; $("#" + id).addEventListener("change", () => { store.set("review." + id, $("#" + id).value); begin(); }); }
async function decide(decision, text) {
  if (!review || busy || readOnly) return;
  busy = true;
  try {
    review = await api(asked(), { body: { shown: review.current?.shown ?? "", decision, ...(text === undefined ? {} : { text }) } });
    announce(t("data.done." + decision) + " " + t("data.waiting", { count: review.waiting }));
    item();
  } catch (error) {
    if (error.status === 409) { toast(t("data.stale")); review = await attempt(() => api(asked())); item(); } else toast(error.message, { error: true });
  } finally { busy = false; }
}
function edit() {
  const now = review?.current;
  if (!now || readOnly) return;
  const area = el("textarea", { rows: 4, maxLength: 10000, "aria-label": t("data.captionbox"), value: now.caption });
  const save = () => decide("edit", area.value);
  area.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(); } else if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); item(); } });
  place.querySelector("[data-caption]").replaceChildren(area, el("div", { class: "row" }, el("button", { type: "button", class: "primary", onclick: save }, t("data.save")), el("button", { type: "button", onclick: item }, t("close"))));
  area.focus();
}
const KEYS = [["a", "accept", () => decide("accept")], ["e", "edit", edit], ["r", "reject", () => decide("reject")], ["u", "undo", () => decide("undo")], ["s", "skip", () => decide("skip")]];
function item() {
  if (!review) { place.replaceChildren(); return; }
  const now = review.current, buttons = el("div", { class: "row actions" }, KEYS.map(([key, name, action]) => el("button", { type: "button", "data-decide": name, disabled: readOnly || (!now && name !== "undo"), onclick: action }, t("data." + name), el("kbd", { "aria-hidden": "true" }, key))));
  const focused = document.activeElement?.dataset?.decide;
  place.replaceChildren(now ? el("div", { class: "review" }, el("div", { class: "picture" }, el("img", { src: `${asked().replace("?", "/picture?")}&shown=${now.shown}`, alt: now.caption || now.name })),
    el("div", { class: "stack" }, el("p", { class: "small faint" }, [now.artist, now.title, now.name].filter(Boolean).join(" · ")), el("div", { "data-caption": "" }, el("p", {}, now.caption || t("data.nocaption"))),
      el("p", { class: "small" }, now.similarity === null ? "" : t("data.similarity", { value: now.similarity.toFixed(3) }), now.dropped ? el("span", { class: "bad" }, " " + now.dropped) : null), el("div", { class: "chips" }, now.tags.map((one) => el("span", { class: "badge" }, one))), buttons, el("p", { class: "small faint tabular" }, t("data.waiting", { count: review.waiting }))))
    : el("div", { class: "stack" }, el("p", {}, t("data.review.none")), buttons));
  if (focused) place.querySelector(`[data-decide=${focused}]`)?.focus();
}
for (const [key, name, action] of KEYS) shortcut(key, t("data." + name), plain(key), action);

const soon = later(async () => { await names(); await show(); if (!review?.current) begin(); }, 400);
hear("job", ({ row }) => { if (row.state === "done" && ["import", "tag", "caption", "filter"].includes(row.kind)) soon(); });
listen();
await names();
await show();
await begin();
document.documentElement.dataset.ready = "yes";
