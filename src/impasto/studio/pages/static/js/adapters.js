// LoRAs with their weights, and concepts: learned words, whose weight is that of the word in the prompt.
import { $, api, el, fill, t } from "./core.js";

const escaped = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const weighted = (word) => new RegExp(`\\(\\s*${escaped(word)}\\s*:\\s*([\\d.]+)\\s*\\)`);

/** The weight of a concept's word in a prompt: a number, or null if the prompt does not have the word. */
export function weightOf(prompt, word) {
  const found = weighted(word).exec(prompt);
  return found ? Number(found[1]) : prompt.includes(word) ? 1 : null;
}
/** The prompt with this weight of a word, which is added if it is not there. */
export function withWeight(prompt, word, weight) {
  const text = weight === 1 ? word : `(${word}:${weight})`;
  if (weighted(word).test(prompt)) return prompt.replace(weighted(word), () => text);
  if (prompt.includes(word)) return prompt.replace(word, () => text);
  return [prompt.trim(), text].filter(Boolean).join(" ");
}
const without = (prompt, word) => prompt.replace(weighted(word), "").replace(word, "").replace(/ {2,}/g, " ").trim();

export function adapters(form) {
  const place = $("[data-loras]", form.root), chosen = $("[data-lora-new]", form.root);
  if (!place) return;
  loras(form, place, chosen);
  concepts(form, $("[data-concepts]", form.root), $("[data-concept-new]", form.root));
}

const remove = (name, action) => el("button", { type: "button", class: "quiet", "aria-label": t("lora.remove", { name }), onclick: action }, "×");
const changed = (form) => { form.save(); form.tell(); };
const count = (form) => { $("[data-lora-count]", form.root).textContent = form.extra.loras.length + form.extra.concepts.length || ""; };

function loras(form, place, chosen) {
  let drawn = null;
  const draw = () => {
    count(form);
    if (drawn === JSON.stringify(form.extra.loras)) return; // a weight that is being typed keeps its field
    drawn = JSON.stringify(form.extra.loras);
    place.replaceChildren(...form.extra.loras.map((one, at) => el("div", { class: "adapter" }, el("span", {}, one.name),
      el("input", { type: "number", step: "0.05", min: "-4", max: "4", value: one.weight, "aria-label": t("lora.weight", { name: one.name }), oninput: (event) => { one.weight = Number(event.target.value || 0); drawn = JSON.stringify(form.extra.loras); changed(form); } }),
      remove(one.name, () => { form.extra.loras = form.extra.loras.filter((_, other) => other !== at); changed(form); }))));
  };
  $("[data-lora-add]", form.root).addEventListener("click", () => {
    if (!chosen.value || form.extra.loras.some((one) => one.name === chosen.value)) return;
    form.extra.loras = [...form.extra.loras, { name: chosen.value, weight: 1 }]; changed(form);
  });
  form.onChange(draw);
}

async function concepts(form, place, select) {
  let offered = [], drawn = "";
  const prompt = () => $("[name=prompt]", form.root).value;
  const put = (text) => form.write({ prompt: text });
  const draw = () => {
    count(form);
    for (const one of form.extra.concepts) if (!one.name) one.name = offered.find((other) => one.words.every((word) => other.words.includes(word)))?.name ?? "";
    const focused = place.contains(document.activeElement), state = JSON.stringify([form.extra.concepts, offered.length]);
    if (drawn === state) { // only the weights follow the prompt
      if (!focused) for (const [at, one] of form.extra.concepts.entries()) { const field = place.children[at]?.querySelector("input"); if (field) field.value = weightOf(prompt(), one.words[0]) ?? ""; }
      return;
    }
    drawn = state;
    place.replaceChildren(...form.extra.concepts.map((one) => el("div", { class: "adapter" }, el("span", { class: one.name ? "" : "bad" }, one.words.join(" "), one.name ? el("span", { class: "faint small" }, " " + one.name) : " " + t("concept.missing")),
      el("input", { type: "number", step: "0.05", min: "0.05", max: "4", value: weightOf(prompt(), one.words[0]) ?? "", placeholder: t("concept.absent"), "aria-label": t("lora.weight", { name: one.words[0] }), oninput: (event) => { const weight = Number(event.target.value); if (weight > 0) put(one.words.reduce((text, word) => withWeight(text, word, weight), prompt())); } }),
      remove(one.words[0], () => { form.extra.concepts = form.extra.concepts.filter((other) => other !== one); put(one.words.reduce(without, prompt())); }))));
  };
  $("[data-concept-add]", form.root).addEventListener("click", () => {
    const one = offered.find((other) => other.name === select.value);
    if (!one || form.extra.concepts.some((other) => other.name === one.name)) return;
    form.extra.concepts = [...form.extra.concepts, { name: one.name, words: one.words }];
    put(one.words.reduce((text, word) => (weightOf(text, word) === null ? withWeight(text, word, 1) : text), prompt()));
  });
  form.onChange(draw);
  offered = await api("/api/v1/options/concepts").catch(() => []);
  $("[data-concept-row]", form.root).hidden = !offered.length;
  fill(select, offered.map((one) => [one.name, `${one.name}: ${one.words.join(" ")}`]), { first: t("concept.choose") });
  drawn = ""; draw();
}
