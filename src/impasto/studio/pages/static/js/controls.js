// Pictures whose map a painting follows: the kind of map, the network, the weight, and the share of the steps.
import { $, api, attempt, el, t, thumb, upload } from "./core.js";

let asked = null;
/** What the server offers: {kinds, nets, own}. Asked once. */
export const offeredControls = () => (asked ??= api("/api/v1/options/controls").catch(() => ({ kinds: [], nets: [], own: {} })));
export const kindOptions = (kinds) => kinds.map((one) => el("option", { value: one.name, title: one.what }, t("control." + one.name).replace("control.", "")));
/** The networks for a kind: the checkpoint's own, if it has one, and the listed ones. */
export function netOptions({ nets, own }, checkpoint, kind) {
  const has = own[checkpoint]?.includes(kind);
  return [el("option", { value: "" }, t(has ? "controls.own" : nets.length ? "controls.net.choose" : "controls.none")), ...nets.map((one) => el("option", { value: one }, one))];
}

export async function controls(form) {
  const place = $("[data-controls]", form.root), file = $("#control-file");
  if (!place) return;
  let drawn = null;
  const source = (reference) => { const [where, id] = reference.split(":"); return where === "picture" ? thumb(id) : `/api/v1/uploads/${id}`; };
  file.addEventListener("change", async () => {
    const chosen = file.files[0], kept = chosen && (await attempt(() => upload(chosen)));
    file.value = "";
    if (kept) { form.extra.controls = [...form.extra.controls, { picture: kept.reference, kind: "canny", net: "", weight: 1, from: 0, until: 1 }]; form.save(); form.tell(); }
  });
  const put = () => { drawn = key(form.read()); form.save(); form.tell(); };
  const key = (state) => JSON.stringify([state.controls, state.checkpoint]);
  const offered = await offeredControls();
  const field = (label, input, wide) => el("label", { class: wide ? "small wide" : "small" }, label, input);
  const amount = (one, name, most, step) => field(t("controls." + name), el("input", { type: "number", min: 0, max: most, step, value: one[name], oninput: (event) => { one[name] = Number(event.target.value || 0); put(); } }));
  const draw = (state) => {
    $("[data-control-count]", form.root).textContent = form.extra.controls.length || "";
    if (drawn === key(state)) return;
    drawn = key(state);
    place.replaceChildren(...form.extra.controls.map((one) => {
      const net = el("select", { onchange: (event) => { one.net = event.target.value; put(); } }, netOptions(offered, state.checkpoint, one.kind));
      net.value = one.net ?? "";
      const kind = el("select", { onchange: (event) => { one.kind = event.target.value; form.save(); form.tell(); } }, kindOptions(offered.kinds));
      kind.value = one.kind;
      return el("div", { class: "control" }, el("img", { src: source(one.picture), alt: t("controls.picture") }), el("div", { class: "fields tight" }, field(t("controls.kind"), kind, true), field(t("controls.net"), net, true), amount(one, "weight", 4, 0.05), amount(one, "from", 1, 0.05), amount(one, "until", 1, 0.05)),
        el("button", { type: "button", class: "quiet", "aria-label": t("controls.remove"), onclick: () => { form.extra.controls = form.extra.controls.filter((other) => other !== one); form.save(); form.tell(); } }, "×"));
    }));
  };
  form.onChange(draw);
}
