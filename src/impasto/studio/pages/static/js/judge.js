import { $, announce, api, attempt, el, number, plain, post, readOnly, shortcut, t, toast } from "./core.js";
import { listen } from "./events.js";
import { Form } from "./form.js";
import { showReports } from "./reports.js";

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
  if (!few && !state?.open) place.hidden = true;
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
  await Promise.all([...place.querySelectorAll("img")].map((one) => one.decode().catch(() => {}))); // what is not seen is not judged
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
  $("[data-scores]").replaceChildren(...(found.length ? found.map((one) => el("div", {}, el("h3", {}, one.question), el("ul", {}, one.groups.map((group) => el("li", { class: "tabular" }, t("judge.won", { name: group.name, won: number.format(group.won), of: number.format(group.of) })))))) : [el("p", { class: "faint" }, t("judge.novotes"))]));
}
listen();
state = await api("/pages/judging").catch(() => null);
await groups();
for (const by of ["artist", "sampler"]) if ($("#first").length < 2 && !state?.open) { $("#by").value = by; await groups(); } // what can be compared
draw(); scores(); await showReports();
document.documentElement.dataset.ready = "yes";
