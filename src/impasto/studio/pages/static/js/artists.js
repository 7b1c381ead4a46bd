// The artist picker: a combobox whose list tells how many works of each artist the checkpoint has seen.
import { $, api, el, later, number, t } from "./core.js";

export function artistPicker(form) {
  const input = $("#artist", form.root), list = $("#artist-options", form.root), note = $("#artist-note", form.root);
  if (!input) return;
  let rows = [], at = -1, asked = 0;
  const close = () => { list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const mark = (to) => {
    at = rows.length ? (to + rows.length) % rows.length : -1;
    [...list.children].forEach((one, place) => one.setAttribute("aria-selected", place === at));
    if (at >= 0) { input.setAttribute("aria-activedescendant", list.children[at].id); list.children[at].scrollIntoView({ block: "nearest" }); }
  };
  const take = (row) => { input.value = row.name; close(); input.dispatchEvent(new Event("input", { bubbles: true })); close(); };
  const checkpoint = () => $("[name=checkpoint]", form.root)?.value || "pocket";
  async function look(open) {
    const mine = ++asked;
    const query = new URLSearchParams({ checkpoint: checkpoint(), search: input.value, most: "60" });
    const found = await api(`/api/v1/options/artists?${query}`).catch(() => []);
    if (mine !== asked) return;
    rows = found;
    const same = rows.find((row) => row.name.toLowerCase() === input.value.trim().toLowerCase());
    note.hidden = !input.value.trim();
    note.textContent = same ? t("artist.seen", { works: number.format(same.works) }) : rows.length ? t("artist.like", { count: rows.length }) : t("artist.unknown");
    if (!open || document.activeElement !== input) return;
    list.replaceChildren(...rows.map((row, place) => el("li", { id: `artist-${place}`, role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(row); } },
      el("span", {}, row.name), el("span", { class: "faint small" }, t("artist.works", { works: number.format(row.works) })))));
    list.hidden = !rows.length; input.setAttribute("aria-expanded", String(!list.hidden)); at = -1;
  }
  const soon = later(look, 120);
  input.addEventListener("input", (event) => soon(event.isTrusted));
  input.addEventListener("click", () => look(true));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); if (list.hidden) look(true); else mark(at + 1); }
    else if (event.key === "ArrowUp" && !list.hidden) { event.preventDefault(); mark(at - 1); }
    else if (event.key === "Enter" && !list.hidden && at >= 0) { event.preventDefault(); take(rows[at]); }
    else if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
  });
  $("[name=checkpoint]", form.root)?.addEventListener("change", () => look(false));
  if (input.value) look(false);
}
