// Before the first paint, so that a dark page does not flash: a plain script in the head.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("impasto.theme"); } catch { /* storage is off */ }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => { document.documentElement.dataset.theme = chosen || (dark.matches ? "dark" : "light"); };
  apply();
  dark.addEventListener("change", apply);
})();
