// The stream of events. One stream for a visible page: a hidden one closes it and reads anew when it is seen again, so that
// many tabs do not take all connections, and a phone that slept shows the present state.
import { $, api } from "./core.js";

const hearers = {};
let source = null;
let last = null;

/** Calls `action(data)` for events of a kind: job, progress, preview, picture, note, failure, figures, queue; `fresh` when
 *  everything must be read anew. */
export function hear(kind, action) { (hearers[kind] ??= []).push(action); }
const tell = (kind, data) => { for (const action of hearers[kind] ?? []) action(data); };

const counter = $("[data-queue-count]");
export function showCounts(counts) {
  const waiting = counts.queued + counts.running;
  if (counter) { counter.textContent = waiting; counter.hidden = !waiting; }
  tell("counts", counts);
}

async function begin() {
  if (source) return;
  const state = await api("/api/v1/queue").catch(() => null);
  if (document.hidden || source) return;
  if (!state) { setTimeout(begin, 2000); return; }
  showCounts(state.counts);
  tell("fresh", state);
  last = state.last_event;
  source = new EventSource(`/api/v1/events?after=${last}`);
  for (const kind of ["job", "progress", "preview", "picture", "note", "failure", "figures", "queue"]) {
    source.addEventListener(kind, (event) => {
      last = Number(event.lastEventId);
      tell(kind, JSON.parse(event.data));
      if (kind === "job" || kind === "queue") count();
    });
  }
  source.addEventListener("reset", () => { end(); begin(); });
  source.addEventListener("error", () => { if (source?.readyState === 2) { end(); setTimeout(begin, 2000); } });
}
function end() { source?.close(); source = null; }
let counting = null;
function count() {
  clearTimeout(counting);
  counting = setTimeout(() => api("/api/v1/queue").then((state) => showCounts(state.counts), () => {}), 250);
}

document.addEventListener("visibilitychange", () => (document.hidden ? end() : begin()));
addEventListener("pagehide", end);
addEventListener("pageshow", (event) => { if (event.persisted) begin(); });
export const listen = begin;
