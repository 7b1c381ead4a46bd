// Keys of the prompt: Ctrl+Up/Down changes a weight, Alt+Up/Down goes through what was painted before.
import { store, t, announce } from "./core.js";

const STEP = 0.1;
/** Returns the text with the weight of the words from `start` to `end` changed, and the new selection. */
export function weigh(text, start, end, by) {
  if (start === end) {
    while (start > 0 && !/[\s,.()|{}]/.test(text[start - 1])) start -= 1;
    while (end < text.length && !/[\s,.()|{}:]/.test(text[end])) end += 1;
  }
  if (start === end) return null;
  let words = text.slice(start, end), weight = 1, from = start, to = end;
  const inside = /^:(-?[\d.]+)\)/.exec(text.slice(end));
  if (text[start - 1] === "(" && inside) { weight = Number(inside[1]); from = start - 1; to = end + inside[0].length; }
  else { const whole = /^\((.*):(-?[\d.]+)\)$/s.exec(words); if (whole) { words = whole[1]; weight = Number(whole[2]); } }
  weight = Math.round((weight + by) * 100) / 100;
  const put = weight === 1 ? words : `(${words}:${weight})`;
  const at = from + (weight === 1 ? 0 : 1);
  return { text: text.slice(0, from) + put + text.slice(to), start: at, end: at + words.length, weight };
}

export function promptKeys(area) {
  let place = -1, draft = "";
  area.addEventListener("keydown", (event) => {
    const up = event.key === "ArrowUp", down = event.key === "ArrowDown";
    if (!up && !down) return;
    if (event.ctrlKey || event.metaKey) {
      const done = weigh(area.value, area.selectionStart, area.selectionEnd, up ? STEP : -STEP);
      if (!done) return;
      event.preventDefault();
      area.value = done.text; area.setSelectionRange(done.start, done.end);
      area.dispatchEvent(new Event("input", { bubbles: true }));
      announce(t("weight", { weight: done.weight }));
    } else if (event.altKey) {
      const history = store.get("prompts") ?? [];
      if (!history.length) return;
      event.preventDefault();
      if (place < 0) draft = area.value;
      place = Math.max(-1, Math.min(history.length - 1, place + (up ? 1 : -1)));
      area.value = place < 0 ? draft : history[place];
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
}
export function remember(prompt) {
  if (!prompt.trim()) return;
  store.set("prompts", [prompt, ...(store.get("prompts") ?? []).filter((one) => one !== prompt)].slice(0, 100));
}
