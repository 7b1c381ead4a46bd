import { $, api, announce, attempt, dialog, el, later, number, post, readOnly, t, thumb, toast, when } from "./core.js";
import { hear, listen } from "./events.js";
import { view } from "./viewer.js";

const active = $("[data-active]"), ended = $("[data-ended]"), older = $("[data-more]");
const rows = new Map(), progress = new Map();
let paused = false, waitingCount = 0, last = null;

const act = (number_, action, body) => attempt(() => api(`/api/v1/jobs/${number_}${action ? "/" + action : ""}`, { method: action ? "POST" : "DELETE", body }));
function button(job, key, action, { cls = "small" } = {}) {
  return el("button", { type: "button", class: cls, "aria-label": t("job.label", { action: t(key), number: job.id }), "data-act": key, disabled: readOnly, onclick: async () => { await action(); refresh(); } }, t(key));
}
function state(job) {
  const name = job.stopping ? "stopping" : job.state === "queued" && job.paused ? "paused" : job.state;
  return el("span", { class: `badge ${name}` }, t("state." + name));
}
function drawn(job, order) {
  const live = job.state === "running" || job.state === "queued", at = order?.indexOf(job.id) ?? -1;
  const buttons = [];
  if (live) {
    if (job.state === "queued" && !job.paused && at > 0) buttons.push(button(job, "job.front", () => act(job.id, "move", { front: true })), button(job, "job.up", () => act(job.id, "move", { before: order[at - 1] })));
    if (job.state === "queued" && at >= 0 && at < order.length - 1) buttons.push(button(job, "job.down", () => (at + 2 < order.length ? act(job.id, "move", { before: order[at + 2] }) : act(order[at + 1], "move", { before: job.id }))));
    buttons.push(job.paused ? button(job, "job.resume", () => act(job.id, "resume")) : button(job, "job.pause", () => act(job.id, "pause")));
    buttons.push(button(job, "job.cancel", async () => { if (await act(job.id, "cancel")) toast(t("stopped"), { action: [t("retry"), () => act(job.id, "retry").then(refresh)] }); }, { cls: "small danger" }));
  } else {
    if (job.state !== "done") buttons.push(button(job, "retry", () => act(job.id, "retry")));
    buttons.push(button(job, "job.clear", () => act(job.id, "")));
  }
  const now = progress.get(job.id), share = job.units > 1 ? (job.units_done + job.units_failed + (now?.share ?? 0) * (job.state === "running")) / job.units : now?.share ?? 0;
  const facts = el("div", { class: "facts" }, state(job), el("span", { class: "tabular" }, `${job.id} · ${job.kind}`), job.units > 1 ? el("span", { class: "tabular" }, t("job.units", { done: number.format(job.units_done), of: number.format(job.units) })) : null,
    job.units_failed ? el("span", { class: "bad" }, t("job.failed", { count: job.units_failed })) : null, job.attempts > 1 ? el("span", {}, t("job.attempts", { count: job.attempts })) : null, el("span", {}, when(job.finished_at ?? job.created_at)), job.state === "running" && now?.stage ? el("span", { "data-now": "" }, now.stage) : null);
  const old = rows.get(job.id), kept = old?.querySelector("details");
  const parts = kept ?? el("details", { ontoggle: (event) => { if (event.target.open) showParts(job.id, event.target); } }, el("summary", {}, t("job.parts")), el("div", { class: "inside" }));
  const node = el("li", { class: "card job", "data-job": job.id }, el("span", { class: "title" }, job.title), el("div", { class: "row" }, buttons), el("div", { class: "wide" }, facts,
    job.state === "running" ? el("progress", { max: 1, value: Math.min(1, share), "aria-label": t("running", { number: job.id, title: job.title }) }) : null, job.error ? el("p", { class: "bad" }, job.error) : null, job.units_done + job.units_failed || job.state === "failed" ? parts : null));
  rows.set(job.id, node);
  return node;
}
async function showParts(id, place) {
  const parts = await attempt(() => api(`/api/v1/jobs/${id}/parts?most=200`));
  if (!parts) return;
  const ids = parts.flatMap((one) => one.pictures.map((two) => two.id)).filter(Boolean);
  place.lastChild.replaceChildren(el("div", { class: "thumbs" }, ids.map((one, at) => el("button", { type: "button", "aria-label": t("open", { name: at + 1 }), onclick: () => view(one, { neighbour: (step, from = one) => ids[ids.indexOf(from) + step] ?? null }) }, el("img", { src: thumb(one, 128), alt: "", loading: "lazy" })))),
    el("ul", { class: "small" }, parts.filter((one) => one.error).map((one) => el("li", { class: "bad" }, `${one.number + 1}: ${one.error}`))));
}
/** Draws anew, and keeps the focus on the same button of the same job. */
async function refresh() {
  const [waiting, jobs, whole] = await Promise.all([api("/api/v1/jobs/waiting?most=500"), api("/api/v1/jobs?state=done&state=failed&state=cancelled&most=30"), api("/api/v1/queue")]).catch(() => []);
  if (!waiting) return;
  const focus = document.activeElement, job = focus?.closest("[data-job]")?.dataset.job, what = focus?.dataset.act;
  const order = waiting.filter((one) => one.state === "queued").map((one) => one.id);
  active.replaceChildren(...(waiting.length ? waiting.map((one) => drawn(one, order)) : [el("li", { class: "faint" }, t("queue.empty"))]));
  ended.replaceChildren(...(jobs.length ? jobs.map((one) => drawn(one)) : [el("li", { class: "faint" }, t("queue.nothing"))]));
  last = jobs.at(-1)?.id; older.hidden = jobs.length < 30;
  paused = whole.counts.paused; waitingCount = whole.counts.queued;
  $("[data-pause]").textContent = t(paused ? "queue.resume" : "queue.pause");
  $("[data-cancel]").disabled = readOnly || !waitingCount; $("[data-clear]").disabled = readOnly || !jobs.length; $("[data-pause]").disabled = readOnly;
  $("[data-summary]").textContent = [whole.workers.length ? t("queue.worker", { count: whole.workers.length }) : t("queue.noworker"), paused ? t("queue.paused") : "", ...whole.workers.map((one) => one.note).filter(Boolean)].filter(Boolean).join(" · ");
  if (job && what && document.activeElement === document.body) document.querySelector(`[data-job="${job}"] [data-act="${CSS.escape(what)}"]`)?.focus() ?? document.querySelector(`[data-job="${job}"] button`)?.focus();
}
older.addEventListener("click", async () => {
  const jobs = await attempt(() => api(`/api/v1/jobs?state=done&state=failed&state=cancelled&most=30&before=${last}`));
  if (!jobs) return;
  ended.append(...jobs.map((one) => drawn(one))); last = jobs.at(-1)?.id ?? last; older.hidden = jobs.length < 30;
});
$("[data-pause]").addEventListener("click", async () => { await attempt(() => post(`/api/v1/queue/${paused ? "resume" : "pause"}`)); refresh(); });
$("[data-clear]").addEventListener("click", async () => { await attempt(() => post("/api/v1/queue/clear")); refresh(); });
$("[data-cancel]").addEventListener("click", () => {
  const sure = dialog(t("queue.cancel"), el("div", { class: "stack" }, el("p", {}, t("queue.cancel.sure", { count: waitingCount })), el("div", { class: "row end" }, el("button", { type: "button", class: "danger", onclick: async () => { sure.close(); await attempt(() => post("/api/v1/queue/cancel")); refresh(); } }, t("queue.cancel")))));
});
const soon = later(refresh, 200);
hear("fresh", refresh); hear("queue", soon); hear("picture", soon);
hear("job", ({ row }) => { if (row.state === "done") { progress.delete(row.id); announce(t("done.announce", { number: row.id })); } else if (row.state === "failed") announce(t("failed", { number: row.id, error: row.error ?? "" })); soon(); });
hear("progress", (data) => {
  progress.set(data.job, data);
  const row = rows.get(data.job), bar = row?.querySelector("progress");
  if (bar && !row.querySelector(".facts .tabular + .tabular")) bar.value = data.share ?? 0;
  const now = row?.querySelector("[data-now]"); if (now) now.textContent = data.stage;
});
listen();
document.documentElement.dataset.ready = "yes";
