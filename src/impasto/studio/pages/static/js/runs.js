import { $, $$, api, attempt, el, fill, later, number, post, readOnly, t, toast, when } from "./core.js";
import { hear, listen } from "./events.js";
import { Form } from "./form.js";
import { line } from "./chart.js";

const form = new Form($("#form"), "training"), place = $("[data-run]");
let chosen = new URLSearchParams(location.search).get("run"), sheetAt = null, known = false;
const address = (name) => `/pages/runs/${encodeURIComponent(name)}`;

async function list() {
  const runs = await api("/pages/runs").catch(() => null);
  if (!runs) return;
  chosen ??= runs[0]?.name ?? null;
  const focused = document.activeElement?.dataset?.name;
  $("[data-list]").replaceChildren(...(runs.length ? runs.map((one) => el("li", {}, el("button", { type: "button", class: "card job", "data-name": one.name, "aria-pressed": one.name === chosen, onclick: () => pick(one.name) },
    el("span", { class: "title" }, one.name), el("span", { class: `badge ${one.status}` }, t("runs.status." + one.status)), el("span", { class: "facts wide" }, el("span", {}, one.recipe), el("span", { class: "tabular" }, t("runs.step", { step: number.format(one.step) })), el("span", {}, when(one.changed))),
    one.share !== null && one.share < 1 ? el("progress", { class: "wide", max: 1, value: one.share, "aria-label": t("progress") }) : null))) : [el("li", { class: "faint" }, t("runs.none"))]));
  if (focused) $(`[data-name="${CSS.escape(focused)}"]`)?.focus();
  known = runs.some((one) => one.name === chosen); // one that waits in the queue has no folder yet
  if (!runs.length) $("[data-new]").open = true;
  if (known) show(); else place.replaceChildren(...(chosen ? [el("p", { class: "faint" }, t("runs.waiting", { name: chosen }))] : []));
}
function pick(name) { chosen = name; sheetAt = null; history.pushState(null, "", `/runs?run=${encodeURIComponent(name)}`); list(); }
addEventListener("popstate", () => { chosen = new URLSearchParams(location.search).get("run"); list(); });

async function show() {
  const name = chosen, run = await api(address(name)).catch(() => null);
  if (!run || name !== chosen) return;
  const act = (what, text) => el("button", { type: "button", disabled: readOnly, onclick: async () => { if (await attempt(() => post(`${address(name)}/${what}`))) { if (what === "stop") toast(t("runs.stopping")); setTimeout(list, 500); } } }, text);
  const course = run.courses.find((one) => one.name === "loss") ?? run.courses[0];
  const active = run.status === "running" || (run.job_state === "queued" && !run.paused) || run.job_state === "running";
  const shown = sheetAt ?? run.validation.at(-1);
  const image = el("img", { class: "validation", alt: t("runs.validation"), src: shown === undefined ? "" : `${address(name)}/validation/${shown}` }), label = el("output", {}, t("runs.step", { step: number.format(shown ?? 0) }));
  const slider = el("input", { type: "range", min: 0, max: run.validation.length - 1, value: Math.max(0, run.validation.indexOf(shown)), "aria-label": t("runs.validation"), oninput: (event) => { sheetAt = run.validation[event.target.value]; image.src = `${address(name)}/validation/${sheetAt}`; label.textContent = t("runs.step", { step: number.format(sheetAt) }); } });
  const fold = place.querySelector("details")?.open;
  place.replaceChildren(el("h2", {}, run.name), el("p", { class: "row" }, el("span", { class: `badge ${run.status}` }, t("runs.status." + run.status)), el("span", { class: "tabular" }, t("runs.step", { step: number.format(run.step) })), run.loss === null ? null : el("span", { class: "tabular" }, t("runs.last", { loss: run.loss.toPrecision(4) }))),
    el("div", { class: "row" }, active ? act("stop", t("runs.stop")) : run.status === "complete" || run.job === null ? null : act("resume", t("runs.resume")), run.checkpoint ? el("a", { class: "button", href: `/?checkpoint=${encodeURIComponent("run:" + name)}` }, t("runs.use")) : run.lora ? el("a", { class: "button", href: `/?lora=${encodeURIComponent(name)}` }, t("runs.use")) : null),
    el("h3", {}, t("runs.loss")), course?.values.length ? line(course.values, t("runs.chart", { first: course.values[0].toPrecision(3), last: course.values.at(-1).toPrecision(3) }), t("runs.step", { step: number.format(run.step) })) : el("p", { class: "faint" }, t("runs.noloss")),
    ...(run.validation.length ? [el("h3", {}, t("runs.validation")), el("div", { class: "row" }, el("div", { class: "grow" }, slider), label), image] : []),
    el("details", { open: fold }, el("summary", {}, t("record.whole")), el("pre", { class: "small scroll", tabIndex: 0 }, JSON.stringify(run.choices, null, 1))));
}
$("#form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const state = form.read(), job = { kind: state.recipe, catalogue: state.catalogue, out: state.name.trim() };
  for (const name of ["artist", "consent", ...(state.recipe === "train/lora" ? ["trigger"] : [])]) if (state[name]?.trim?.()) job[name] = state[name].trim();
  for (const name of ["steps", "minutes"]) if (state[name]) job[name] = Number(state[name]);
  if (state.lora_rank && state.recipe === "train/lora") job.lora_rank = Number(state.lora_rank);
  try { const done = await post("/api/v1/jobs", { job }); toast(t("queued.announce", { number: done.id }), { action: [t("page.queue"), () => { location.href = "/queue"; }] }); chosen = state.name.trim(); }
  catch (error) { toast(error.message, { error: true }); form.mark(error); }
});
async function artists() {
  const name = $("#catalogue").value;
  const told = name ? await api(`/pages/catalogues/${encodeURIComponent(name)}`).catch(() => null) : null;
  $("#artists").replaceChildren(...(told?.artists ?? []).map(([artist]) => el("option", { value: artist })));
}
form.onChange(({ recipe }) => { for (const one of $$("[data-for]")) one.hidden = one.dataset.for !== recipe; });
$("#catalogue").addEventListener("change", artists);
api("/api/v1/options/catalogues").then((names) => { const kept = form.read().catalogue; $("#catalogue").dataset.wanted = kept; if (names.length) { fill($("#catalogue"), names.map((one) => [one, one])); if (!names.includes(kept)) $("#catalogue").value = names[0]; artists(); } }, () => {});
const soon = later(list, 1000);
hear("fresh", list); hear("job", ({ row }) => { if (row.kind.startsWith("train/")) soon(); });
let drawnAt = 0;
hear("progress", () => { if (Date.now() - drawnAt > 5000 && chosen) { drawnAt = Date.now(); known ? show() : list(); } });
listen();
document.documentElement.dataset.ready = "yes";
