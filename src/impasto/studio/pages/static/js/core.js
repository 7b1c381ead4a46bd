// What every page uses: requests, texts, messages, dialogs, keys, and elements without innerHTML.

export const texts = JSON.parse(document.getElementById("texts").content.textContent);
/** A text by its key; `key.one` stands for it where the count is one. */
export const t = (key, values = {}) => ((String(values.count) === "1" ? texts[key + ".one"] : undefined) ?? texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
export const readOnly = meta("read-only") === "yes";
export const canSign = meta("credentials") === "yes";
export const pageId = Math.random().toString(36).slice(2);

/** Makes an element: attributes by name, `on` + event for listeners, children as text or nodes. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key in node && !key.startsWith("aria") && key !== "list") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

export class ApiError extends Error {
  constructor(status, text, field) { super(text); this.status = status; this.field = field; }
}

/** Asks the server. A body that is no Blob goes as JSON. Throws ApiError with the server's sentence. */
export async function api(path, { method, body, signal, blob = false, headers = {} } = {}) {
  const sent = { method: method ?? (body === undefined ? "GET" : "POST"), headers: { "x-page": pageId, ...headers }, signal };
  if (sent.method !== "GET") sent.headers["x-csrf-token"] = meta("csrf-token");
  if (body instanceof Blob) { sent.body = body; sent.headers["content-type"] = body.type; }
  else if (body !== undefined) { sent.body = JSON.stringify(body); sent.headers["content-type"] = "application/json"; }
  if (path === "/api/v1/jobs" && typeof sent.body === "string" && sent.body.length < 4000) sent.keepalive = true; // whoever leaves the page at once still has asked
  let answer;
  try { answer = await fetch(path, sent); }
  catch (error) { if (error.name === "AbortError") throw error; throw new ApiError(0, t("error.offline")); }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new ApiError(answer.status, said.error ?? t("error.status", { status: answer.status }), said.field);
  }
  if (answer.status === 204) return null;
  return blob ? answer.blob() : answer.json();
}
export const post = (path, body) => api(path, { method: "POST", body });

/** Keeps an uploaded picture; returns {id, reference}. */
export async function upload(file) {
  const type = file.type || "image/png";
  if (!["image/png", "image/jpeg", "image/webp"].includes(type)) throw new ApiError(415, t("error.type"));
  return api("/api/v1/uploads", { method: "POST", body: file.slice(0, file.size, type) });
}

export function announce(text) {
  const place = document.getElementById("announce");
  if (place.textContent === text) place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

/** A message that goes by itself; with `action` [text, function] a button. Errors stay until they are closed. */
export function toast(text, { error = false, action } = {}) {
  const box = el("div", { class: error ? "toast error" : "toast", role: error ? "alert" : null }, el("span", { class: "grow" }, text));
  if (action) box.append(el("button", { type: "button", onclick: () => { box.remove(); action[1](); } }, action[0]));
  if (error) box.append(el("button", { type: "button", "aria-label": t("close"), onclick: () => box.remove() }, "×"));
  const all = document.getElementById("toasts");
  for (const other of all.children) if (other.firstChild.textContent === text) other.remove();
  all.append(box);
  (document.querySelector("dialog[open]:last-of-type") ?? document.body).append(all); // above an open dialog
  if (!error) announce(text);
  setTimeout(() => box.remove(), error ? 15000 : action ? 9000 : 4000);
}

/** Runs an action; what goes wrong is said in one sentence. Returns undefined then. */
export async function attempt(action) {
  try { return await action(); }
  catch (error) {
    if (error.name === "AbortError") return undefined;
    toast(error.message || String(error), { error: true });
    if (!(error instanceof ApiError)) console.error(error);
    return undefined;
  }
}

/** Opens a modal dialog; Escape and a click beside it close it, and the focus returns. */
export function dialog(title, content, { wide = false, onclose } = {}) {
  const before = document.activeElement;
  const heading = el("h2", { id: "dialog-" + Math.random().toString(36).slice(2) }, title);
  const box = el("dialog", { class: wide ? "viewer" : "", "aria-labelledby": heading.id },
    el("header", {}, heading, el("button", { type: "button", class: "quiet", "aria-label": t("close"), onclick: () => box.close() }, "✕")), content);
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  box.addEventListener("close", () => {
    const toasts = document.getElementById("toasts");
    if (box.contains(toasts)) document.body.append(toasts);
    box.remove(); onclose?.(); if (before?.isConnected) before.focus();
  });
  document.body.append(box);
  box.showModal();
  return box;
}

export const isTyping = (event) => event.target.closest?.("input:not([type=checkbox],[type=radio],[type=range]), textarea, select, [contenteditable]");
const shortcuts = [];
/** Registers a key for this page: `keys` as shown, `test(event)`, what it does. */
export function shortcut(keys, text, test, action, { typing = false } = {}) {
  shortcuts.push([keys, text]);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || (!typing && isTyping(event)) || !test(event)) return;
    if (document.querySelector("dialog[open]")) return;
    if (action(event) !== false) event.preventDefault();
  });
}
export const plain = (key) => (event) => event.key === key && !event.ctrlKey && !event.metaKey && !event.altKey;
export const withCtrl = (key) => (event) => event.key === key && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;

function showHelp() {
  const rows = [["?", t("help")], ...shortcuts].map(([keys, text]) => el("tr", {}, el("td", { class: "nowrap" }, ...keys.split(" ").map((key) => [el("kbd", {}, key), " "]).flat()), el("td", {}, text)));
  dialog(t("help"), el("table", {}, el("tbody", {}, rows)));
}
document.querySelector("[data-help]")?.addEventListener("click", showHelp);
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !isTyping(event) && !document.querySelector("dialog[open]")) { event.preventDefault(); showHelp(); }
});
document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  store.set("theme", theme, { raw: true });
  announce(t("theme." + theme));
});

/** Local storage that may be off or full. `tab` is of this tab alone. */
export const store = {
  get(name, { tab = false } = {}) { try { return JSON.parse((tab ? sessionStorage : localStorage).getItem("impasto." + name)); } catch { return null; } },
  set(name, value, { tab = false, raw = false } = {}) { try { (tab ? sessionStorage : localStorage).setItem("impasto." + name, raw ? value : JSON.stringify(value)); } catch { /* without it */ } },
};

export const number = new Intl.NumberFormat(document.documentElement.lang);
export const when = (seconds) => new Date(seconds * 1000).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
export const thumb = (id, side = 256) => `/api/v1/pictures/${id}/thumbnail?side=${side}`;
export const full = (id) => `/api/v1/pictures/${id}`;
export function later(action, milliseconds) {
  let timer;
  return (...values) => { clearTimeout(timer); timer = setTimeout(() => action(...values), milliseconds); };
}
/** Fills a select with [value, text] and keeps the present choice, even one that is not listed. */
export function fill(select, rows, { first } = {}) {
  const chosen = select.dataset.wanted ?? select.value;
  select.replaceChildren(...(first === undefined ? [] : [el("option", { value: "" }, first)]), ...rows.map(([value, text]) => el("option", { value }, text)));
  if (chosen && ![...select.options].some((one) => one.value === chosen)) select.append(el("option", { value: chosen }, chosen));
  if (chosen || first !== undefined) select.value = chosen ?? "";
  delete select.dataset.wanted;
}

{ // on a narrow screen the present page may lie outside of the bar
  const nav = document.querySelector(".top nav"), here = nav?.querySelector("[aria-current]");
  if (here) nav.scrollLeft = here.offsetLeft - nav.offsetLeft - 40;
}
