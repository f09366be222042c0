// @ts-check
/** The reader's colours, before the first paint: a classic script in the head, since modules run after it. */

try {
  const appearance = localStorage.getItem("claude-gateway/appearance");
  if (appearance === "light" || appearance === "dark") document.documentElement.dataset.theme = appearance;
} catch {
  // storage is blocked: the system's colours
}
