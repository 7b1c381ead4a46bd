// The fields of a painting: kept for the tab and for the next one, read into a request, filled from a record.
import { $, $$, api, attempt, el, fill, later, store, t } from "./core.js";

const NUMBERS = new Set(["steps", "guidance", "width", "height", "year", "count", "best_of", "eta"]);
const PLAIN = ["prompt", "artist", "any_artist", "year", "style", "genre", "negative", "sampler", "steps", "guidance", "guider", "width", "height", "eta"];

/** What a form holds besides its fields: LoRAs and concepts, the start picture, the pictures that a painting follows. */
export const NOTHING = { loras: [], concepts: [], init: null, controls: [] };

export class Form {
  /** `root` holds named fields; `name` is where they are kept. Listeners are called with the state after each change. */
  constructor(root, name) {
    this.root = root; this.name = name; this.listeners = []; this.extra = { ...NOTHING };
    const kept = store.get(name, { tab: true }) ?? store.get(name);
    this.initial = this.read();
    if (kept) this.write(kept);
    const save = later(() => this.save(), 120);
    for (const kind of ["input", "change"]) root.addEventListener(kind, (event) => {
      if (event.target.name) { event.target.removeAttribute("aria-invalid"); save(); if (kind === "input") this.tell(); }
    });
    addEventListener("pagehide", () => this.save());
    for (const one of $$("details[data-keep]", root)) {
      const open = store.get("open." + one.dataset.keep);
      if (open !== null) one.open = open;
      one.addEventListener("toggle", () => store.set("open." + one.dataset.keep, one.open));
    }
  }
  /** What was kept of a field whose choices are not there yet. */
  wanted(name) { return (store.get(this.name, { tab: true }) ?? store.get(this.name))?.[name]; }
  fields() { return $$("[name]:not([type=radio])", this.root); }
  read() {
    const state = { ...this.extra };
    for (const one of this.fields()) state[one.name] = one.type === "checkbox" ? one.checked : one.dataset.wanted ?? one.value;
    return state;
  }
  write(state) {
    for (const one of this.fields()) {
      if (!(one.name in state)) continue;
      if (one.type === "checkbox") one.checked = !!state[one.name];
      else {
        const value = state[one.name] ?? "";
        if (one.tagName === "SELECT" && ![...one.options].some((other) => other.value === String(value))) one.append(el("option", { value }, value));
        one.value = value;
      }
    }
    for (const name of Object.keys(NOTHING)) if (name in state) this.extra[name] = state[name] ?? NOTHING[name];
    this.save(); this.tell();
  }
  save() { const state = this.read(); store.set(this.name, state, { tab: true }); store.set(this.name, state); }
  tell() { const state = this.read(); for (const listener of this.listeners) listener(state); }
  onChange(listener) { this.listeners.push(listener); listener(this.read()); }
  /** The seed as a field of a request: nothing if none is given. Throws if it is no whole number. */
  seed(state = this.read()) {
    if (state.seed === "") return {};
    if (!/^\d+$/.test(state.seed)) throw Object.assign(new Error(t("seed.wrong")), { field: "seed" });
    return { seed: Number(state.seed) };
  }
  /** The fields of a request of the API; those that are empty are left out, so that the usual value holds. */
  request(state = this.read()) {
    const asked = {};
    for (const name of PLAIN) {
      const value = state[name];
      if (value === undefined || value === "" || value === false) continue;
      asked[name] = NUMBERS.has(name) ? Number(value) : value;
    }
    if (state.checkpoint) asked.checkpoint = state.checkpoint;
    if (state.loras?.length) asked.lora = state.loras.map((one) => `${one.name}:${one.weight}`);
    const concepts = (state.concepts ?? []).map((one) => one.name).filter(Boolean);
    if (concepts.length) asked.concept = concepts;
    if (state.controls?.length) {
      asked.control = state.controls.map((one) => `${one.kind}=${one.picture}`);
      asked.control_weight = state.controls.map((one) => Number(one.weight));
      asked.control_from = state.controls.map((one) => Number(one.from));
      asked.control_until = state.controls.map((one) => Number(one.until));
      if (state.controls.some((one) => one.net)) asked.control_net = state.controls.map((one) => one.net ?? "");
    }
    if (state.init) { asked.init = state.init; asked.strength = Number(state.strength); }
    if (state.best_of && Number(state.best_of) > 1) asked.best_of = Number(state.best_of);
    if (state.expand_on) asked.expand = "wu2022";
    return asked;
  }
  /** Marks the field that the server names. */
  mark(error) {
    const name = (error.field ?? "").split(".").pop();
    const guess = name || this.fields().map((one) => one.name).find((one) => new RegExp(`\\b${one.replaceAll("_", "[-_ ]")}\\b`, "i").test(error.message));
    const field = guess && this.fields().find((one) => one.name === guess);
    if (!field) return;
    field.closest("details")?.setAttribute("open", "");
    field.setAttribute("aria-invalid", "true"); field.focus();
  }
}

/** Fills the selects from what the server offers. */
export async function offer(form) {
  const [options, checkpoints, loras] = await Promise.all([
    attempt(() => api("/api/v1/options")), attempt(() => api("/api/v1/options/checkpoints")), attempt(() => api("/api/v1/options/loras")),
  ]);
  const state = form.read();
  for (const [name, rows] of [["sampler", options?.samplers.map((one) => [one.name, one.name])], ["guider", options?.guiders.map((one) => [one, one])]]) {
    const select = $(`select[name=${name}]`, form.root);
    if (select && rows) { select.dataset.wanted = state[name]; fill(select, rows, { first: t("usual") }); }
  }
  const checkpoint = $("select[name=checkpoint]", form.root);
  if (checkpoint && checkpoints?.length) {
    checkpoint.dataset.wanted = state.checkpoint || checkpoints[0].name;
    fill(checkpoint, checkpoints.map((one) => [one.name, one.works ? t("checkpoint.knows", { name: one.name, artists: one.artists }) : one.name]));
  }
  const add = $("[data-lora-new]", form.root);
  if (add && loras) fill(add, loras.map((one) => [one, one]), { first: loras.length ? t("lora.choose") : t("lora.none") });
}

/** What a record says, as fields of the form. `what`: all, remix (all but the seed), prompt, seed, size. */
export function fromRecord({ tool, record }, what = "all") {
  const own = tool === "impasto" && record.condition;
  const all = {
    prompt: record.prompt ?? "", negative: (own ? record.negative_prompt ?? record.negative : record.negative) ?? "",
    seed: record.seed ?? "", width: record.width ?? "", height: record.height ?? "", steps: record.steps ?? "", guidance: record.guidance ?? "",
  };
  if (own) {
    const parts = record.condition;
    Object.assign(all, { artist: parts.artist ?? "", style: parts.style ?? "", genre: parts.genre ?? "", year: parts.year ?? "",
      sampler: record.sampler, guider: record.guider ?? "", checkpoint: record.checkpoint,
      loras: (record.loras ?? []).filter((one) => !/lcm/.test(one.name)).map((one) => ({ name: one.name, weight: one.scale ?? 1 })), init: null, controls: [],
      concepts: (record.concepts ?? []).map((one) => ({ name: "", words: [one.name] })) });
  }
  const keys = { all: Object.keys(all), remix: Object.keys(all).filter((key) => key !== "seed"), prompt: ["prompt", "negative", "artist", "style", "genre", "year"], seed: ["seed"], size: ["width", "height"] }[what];
  const chosen = Object.fromEntries(keys.filter((key) => key in all).map((key) => [key, all[key]]));
  if (what === "remix") chosen.seed = "";
  return chosen;
}
