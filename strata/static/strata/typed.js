// The browser's Back to a form that was sent shows what was typed: pages of the admin are never kept by the browser.
// It is in the entry of the history, so no other page sees it, and it ends with the tab.
"use strict";
const isBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
for (const form of document.querySelectorAll("[data-typed]")) {
  const fields = () => [...form.elements].filter((field) =>
    field.name && field.matches("select, textarea, input:not([type=hidden], [type=file], [type=password])"));
  const typed = isBack && history.state?.typed;
  if (!isBack) history.replaceState({ ...history.state, typed: null }, "");
  for (const [place, field] of typed ? fields().entries() : []) {
    if (typed[place]?.[0] !== field.name) continue;
    if (field.matches("[type=checkbox], [type=radio]")) field.checked = typed[place][1];
    else field.value = typed[place][1];
  }
  form.addEventListener("submit", () => {
    const values = fields().map((field) =>
      [field.name, field.matches("[type=checkbox], [type=radio]") ? field.checked : field.value]);
    history.replaceState({ ...history.state, typed: values }, "");
  });
}
