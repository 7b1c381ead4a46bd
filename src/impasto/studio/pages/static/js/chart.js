// Lines and bars as SVG: drawn by hand, so that a chart is text and takes the page's colours.
const svg = (name, attributes, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
const short = (value) => (Math.abs(value) >= 0.001 && Math.abs(value) < 10000 ? String(Number(value.toPrecision(3))) : value.toExponential(1));

/** A line of values with its lowest and highest value beside it; `label` is what a screen reader says. */
export function line(values, label, last) {
  const wide = 640, high = 240, left = 66, low = Math.min(...values), top = Math.max(...values), span = top - low || 1;
  const x = (at) => left + (at / Math.max(1, values.length - 1)) * (wide - left - 8), y = (value) => 20 + (1 - (value - low) / span) * (high - 52);
  return svg("svg", { class: "chart", viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": label },
    svg("line", { class: "axis", x1: left, x2: wide, y1: y(low), y2: y(low) }), svg("line", { class: "axis", x1: left, x2: wide, y1: y(top), y2: y(top) }),
    svg("text", { x: 6, y: y(top) + 4 }, short(top)), svg("text", { x: 6, y: y(low) + 4 }, short(low)), svg("text", { x: wide - 8, y: high - 6, "text-anchor": "end" }, last),
    svg("polyline", { class: "line", points: values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
}
/** A histogram of sorted values with a threshold: bars below it are faint. */
export function histogram(values, threshold, label) {
  const wide = 640, high = 200, count = 40, low = Math.min(values[0], threshold), top = Math.max(values.at(-1), threshold), span = top - low || 1;
  const bars = Array(count).fill(0);
  for (const value of values) bars[Math.min(count - 1, Math.floor(((value - low) / span) * count))] += 1;
  const most = Math.max(...bars), at = ((threshold - low) / span) * wide;
  return svg("svg", { class: "chart", viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": label },
    ...bars.map((one, place) => svg("rect", { class: (place + 0.5) / count < (threshold - low) / span ? "bar-dropped" : "bar-kept", x: (place / count) * wide + 1, width: wide / count - 2, y: high - 20 - (one / most) * (high - 30), height: (one / most) * (high - 30) })),
    svg("line", { class: "mark", x1: at, x2: at, y1: 0, y2: high - 20 }), svg("text", { x: 4, y: high - 5 }, short(low)), svg("text", { x: wide - 4, y: high - 5, "text-anchor": "end" }, short(top)));
}
