// The reports of the page Judge: distances and the style probe, copies side by side, papers that were repeated.
import { $, $$, api, attempt, el, fill, later, post, readOnly, t, toast, when } from "./core.js";
import { hear } from "./events.js";

const queued = (job) => job && toast(t("queued.announce", { number: job.id }), { action: [t("page.queue"), () => { location.href = "/queue"; }] });
const none = (key) => [el("p", { class: "faint" }, t(key))];
const begins = (id, path, body, show) => $(id).addEventListener("submit", async (event) => { event.preventDefault(); if (queued(await attempt(() => post(path, body())))) show(); });

function table(header, rows) {
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, header.length ? el("thead", {}, el("tr", {}, header.map((one) => el("th", { scope: "col" }, one)))) : null,
    el("tbody", {}, rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), rest.map((one) => el("td", { class: "tabular" }, one)))))));
}
const short = (value) => String(Number(value.toPrecision(4)));
const measured = (one) => (one.reason ? one.reason.replace(/: --allow-few .*/, "") : short(one.value) + (one.low === null ? "" : ` (${short(one.low)} – ${short(one.high)})`) + (one.note ? `; ${one.note}` : ""));

async function distances() {
  const found = await api("/pages/judging/reports").catch(() => []);
  $("[data-reports]").replaceChildren(...(found.length ? found.map(({ job, report, against }) => el("article", { class: "card" }, el("p", { class: "small faint" }, [job.id, t("judge.against.name", { name: against }), when(job.finished_at)].join(" · ")), job.error ? el("p", { class: "bad" }, job.error) : null,
    ...(report?.judged ?? []).map((one) => table([], Object.entries(one.measures).map(([name, value]) => [t("measure." + name).replace("measure.", ""), measured(value)]))), report?.notes?.length ? el("ul", { class: "small" }, report.notes.map((one) => el("li", {}, one))) : null)) : none("judge.noreports")));
}
async function copies() {
  const found = await api("/pages/judging/copies").catch(() => []);
  $("[data-copies]").replaceChildren(...(found.length ? found.map((one) => el("article", { class: "card row" }, el("span", { class: "grow" }, el("strong", {}, one.heading), el("span", { class: "small faint" }, ` ${t("judge.copies.of", { name: one.catalogue })} · ${when(one.at)}`)),
    el("a", { class: "button", href: `/pages/judging/copies/${encodeURIComponent(one.name)}`, target: "_blank", rel: "noopener" }, t("judge.open")))) : none("judge.copies.none")));
}
async function papers() {
  const found = await api("/pages/judging/reproductions").catch(() => []);
  $("[data-reproductions]").replaceChildren(...(found.length ? found.map((one) => el("article", { class: "card stack" }, el("div", { class: "row" }, el("span", { class: "grow" }, el("strong", {}, one.name), " ", el("span", { class: "small faint" }, one.title || t("judge.unfinished"))), one.state ? el("span", { class: `badge ${one.state}` }, t("state." + one.state)) : null,
    one.has_page ? el("a", { class: "button", href: `/pages/judging/reproductions/${encodeURIComponent(one.name)}`, target: "_blank", rel: "noopener" }, t("judge.open")) : null), one.error ? el("p", { class: "bad" }, one.error) : null, one.rows.length ? table(one.header, one.rows) : null)) : none("judge.reproductions.none")));
}

/** Draws the reports, and anew when a job of their kinds has ended. */
export async function showReports() {
  begins("#measure", "/pages/judging/distances", () => ({ catalogue: $("#catalogue").value, what: $("#what").value, allow_few: $("#few").checked }), distances);
  begins("#search", "/pages/judging/copies", () => ({ catalogue: $("#training").value }), copies);
  begins("#reproduce", "/pages/judging/reproductions", () => ({ paper: $("#paper").value, catalogue: $("#works").value, name: $("#name").value.trim(), quick: $("#quick").checked }), papers);
  const soon = { evaluate: later(distances, 300), memorization: later(copies, 300), "reproduce/wang2023": later(papers, 300), "reproduce/wu2022": later(papers, 300) };
  hear("job", ({ row }) => {
    soon[row.kind]?.();
    if (row.kind in soon && row.state === "failed") toast(t("failed", { number: row.id, error: row.error ?? "" }), { error: true });
  });
  const names = await api("/api/v1/options/catalogues").catch(() => []);
  for (const select of $$("[data-catalogue]")) fill(select, names.map((one) => [one, one]), names.length ? {} : { first: t("runs.nocatalogue") });
  for (const form of ["#measure", "#search", "#reproduce"]) $(`${form} button`).disabled = !names.length || readOnly;
  await Promise.all([distances(), copies(), papers()]);
}
