/* What every page needs before and around Gradio: language, light or dark, titles, folds that stay open. */
(() => {
  const root = document.documentElement;
  const first = (navigator.languages || [navigator.language]).find((tag) => /^(en|zh)\b/i.test(tag)) || "en";
  root.lang = /^zh/i.test(first) ? "zh-CN" : "en";

  const KEY = "rs-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const dark = () => (stored() ? stored() === "dark" : system.matches);
  const paint = () => {
    const name = dark() ? "dark" : "light";
    if (root.dataset.theme !== name) root.dataset.theme = name;
    /* Gradio's own parts go by this class, and Gradio sets it by the system's setting. */
    if (document.body.classList.contains("dark") !== dark()) document.body.classList.toggle("dark", dark());
  };
  paint();
  new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  system.addEventListener("change", paint);
  addEventListener("storage", paint);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    try { localStorage.setItem(KEY, dark() ? "light" : "dark"); } catch { /* private window: for this page only */ }
    paint();
  });

  /* Gradio puts the same head on every page; the label page's own files are for that page alone. */
  if (/\/label\/?$/.test(location.pathname)) {
    document.head.append(
      Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/assets/label.css" }),
      Object.assign(document.createElement("script"), { src: "/assets/label.js" }),
    );
  }

  /* Gradio redraws HTML by comparing it, and would close a fold that a person opened. */
  const open = new Set();
  document.addEventListener("click", (event) => {
    const fold = event.target.closest("summary")?.parentElement;
    if (!fold?.dataset.fold) return;
    if (fold.open) open.delete(fold.dataset.fold);
    else open.add(fold.dataset.fold);
  });
  new MutationObserver((changes) => {
    for (const { target } of changes)
      if (target.dataset.fold && !target.open && open.has(target.dataset.fold)) target.open = true;
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["open"] });
})();
