import { $, announce, api, el, post, readOnly, shortcut, t, toast, withCtrl } from "./core.js";
import { hear, listen } from "./events.js";
import { adapters } from "./adapters.js";
import { Form, offer } from "./form.js";
import { artistPicker } from "./artists.js";

const form = new Form($("#form"), "grid");
const say = (text) => { $("[data-state]").textContent = text; };
const mine = new Set();

async function paint() {
  const state = form.read();
  try {
    const job = { kind: "paint", ...form.request({ ...state, init: null }), ...form.seed(state) };
    const done = await post("/pages/sheets", { job, title: state.title, rows: { axis: state.rows_axis, values: state.rows_values }, columns: { axis: state.columns_axis, values: state.columns_values } });
    mine.add(done.id); say(t("queued.announce", { number: done.id }));
  } catch (error) { toast(error.message, { error: true }); form.mark(error); }
}
async function show() {
  const names = await api("/pages/sheets").catch(() => null);
  if (!names) return;
  $("[data-sheets]").replaceChildren(...(names.length ? names.map((name) => el("figure", { class: "card" }, el("a", { href: `/pages/sheets/${encodeURIComponent(name)}`, target: "_blank" }, el("img", { src: `/pages/sheets/${encodeURIComponent(name)}`, alt: name, loading: "lazy" })),
    el("figcaption", { class: "row small" }, el("span", { class: "grow" }, name), el("a", { href: `/pages/sheets/${encodeURIComponent(name)}`, download: name }, t("download"))))) : [el("p", { class: "faint" }, t("grid.empty"))]));
}
$("#form").addEventListener("submit", (event) => { event.preventDefault(); paint(); });
shortcut("Ctrl Enter", t("grid.paint"), withCtrl("Enter"), paint, { typing: true });
if (readOnly) $("[data-paint]").disabled = true;
hear("fresh", show);
hear("progress", (data) => { if (mine.has(data.job)) say(`${data.stage} ${data.share === null ? "" : Math.round(data.share * 100) + " %"}`); });
hear("job", ({ row }) => {
  if (row.kind !== "grid") return;
  if (row.state === "done") { show(); announce(t("done.announce", { number: row.id })); say(""); }
  if (row.state === "failed" && mine.has(row.id)) { say(""); toast(t("failed", { number: row.id, error: row.error ?? "" }), { error: true }); }
});
adapters(form);
listen();
await offer(form);
artistPicker(form);
document.documentElement.dataset.ready = "yes";
