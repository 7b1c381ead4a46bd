import { $, announce, api, attempt, el, fill, later, number, plain, post, readOnly, shortcut, t, toast, when } from "./core.js";
import { hear, listen } from "./events.js";
import { Form } from "./form.js";

const form = new Form($("#form"), "judging"), place = $("[data-pair]");
let state = null, seen = 0, busy = false;

async function groups() {
  const by = $("#by").value, rows = await api(`/pages/judging/groups?by=${by}`).catch(() => []), kept = form.read();
  for (const [name, at] of [["first", 0], ["second", 1]]) {
    const select = $("#" + name), listed = rows.some((one) => one.name === kept[name]);
    select.replaceChildren(...rows.map((one) => el("option", { value: one.name }, `${one.name} (${number.format(one.count)})`)));
    select.value = listed ? kept[name] : rows[at]?.name ?? "";
  }
  const few = rows.length < 2;
  $("#form button").disabled = few || readOnly;
  if (few && !state?.open) { place.hidden = false; place.replaceChildren(el("p", { class: "faint" }, t("judge.few"))); }
}
$("#by").addEventListener("change", groups);
$("#form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { by, first, second, question } = form.read();
  const answer = await attempt(() => post("/pages/judging", { by, first, second, question }));
  if (answer) { state = answer; draw(); place.querySelector("button")?.focus(); }
});
function draw() {
  if (!state?.open) return;
  place.hidden = false; seen = performance.now();
  const side = (name) => el("button", { type: "button", "data-vote": name, disabled: readOnly, onclick: () => vote(name), "aria-label": t("judge." + name) }, el("img", { src: state.pair[name], alt: "" }));
  place.replaceChildren(el("h3", {}, state.question), state.pair ? el("div", { class: "pair" }, side("left"), side("right")) : el("p", {}, t("judge.nothing")),
    el("div", { class: "row" }, state.pair ? el("button", { type: "button", "data-vote": "tie", disabled: readOnly, onclick: () => vote("tie") }, t("judge.tie")) : null, el("button", { type: "button", disabled: readOnly, onclick: undo }, t("judge.undo")), el("span", { class: "faint tabular" }, t("judge.votes", { count: number.format(state.votes) })), el("span", { class: "faint small" }, t("judge.keys"))));
}
async function change(path, body, text) {
  if (busy || readOnly) return;
  busy = true;
  const focused = document.activeElement?.dataset?.vote;
  try { state = await post(path, body); announce(text); scores(); } catch (error) { if (error.status === 409) { toast(t("data.stale")); state = await api("/pages/judging"); } else toast(error.message, { error: true }); }
  busy = false; draw();
  if (focused) place.querySelector(`[data-vote=${focused}]`)?.focus();
}
const vote = (choice) => { if (state?.pair) return change("/pages/judging/vote", { pair: state.pair.id, choice, seconds: Math.min(86400, (performance.now() - seen) / 1000) }, t("judge.voted")); };
const undo = () => { if (state?.open) return change("/pages/judging/undo", { pair: state.pair?.id ?? "" }, t("data.done.undo")); };
shortcut("←", t("judge.left"), plain("ArrowLeft"), () => vote("left"));
shortcut("→", t("judge.right"), plain("ArrowRight"), () => vote("right"));
shortcut("↓", t("judge.tie"), plain("ArrowDown"), () => { if (!state?.pair) return false; vote("tie"); return true; });
shortcut("u", t("judge.undo"), plain("u"), undo);

async function scores() {
  const found = await api("/pages/judging/scores").catch(() => []);
  $("[data-scores]").replaceChildren(...found.map((one) => el("div", {}, el("h3", {}, one.question), el("ul", {}, one.groups.map((group) => el("li", { class: "tabular" }, t("judge.won", { name: group.name, won: number.format(group.won), of: number.format(group.of) })))))));
}
$("#measure").addEventListener("submit", async (event) => { event.preventDefault(); const done = await attempt(() => post("/pages/judging/distances", { catalogue: $("#catalogue").value })); if (done) { toast(t("queued.announce", { number: done.id })); soon(); } });
async function reports() {
  const found = await api("/pages/judging/reports").catch(() => []);
  const cell = (value) => (value.reason ? value.reason : `${Number(value.value.toPrecision(4))}` + (value.low === null ? "" : ` (${Number(value.low.toPrecision(4))} – ${Number(value.high.toPrecision(4))})`));
  $("[data-reports]").replaceChildren(...(found.length ? found.map(({ job, report }) => el("article", { class: "card" }, el("p", { class: "small faint" }, `${job.id} · ${when(job.finished_at)}`), job.error ? el("p", { class: "bad" }, job.error) : null,
    ...(report?.judged ?? []).map((one) => el("table", {}, el("tbody", {}, Object.entries(one.measures).map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "tabular" }, cell(value))))))), report?.notes?.length ? el("ul", { class: "small" }, report.notes.map((one) => el("li", {}, one))) : null)) : [el("p", { class: "faint" }, t("judge.noreports"))]));
}
const soon = later(reports, 300);
hear("job", ({ row }) => { if (row.kind === "evaluate") soon(); });
api("/api/v1/options/catalogues").then((names) => { fill($("#catalogue"), names.map((one) => [one, one]), names.length ? {} : { first: t("runs.nocatalogue") }); $("#measure button").disabled = !names.length || readOnly; }, () => {});
listen();
state = await api("/pages/judging").catch(() => null);
await groups();
draw(); scores(); reports();
document.documentElement.dataset.ready = "yes";
