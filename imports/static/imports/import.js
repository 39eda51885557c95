// A file that is dropped on the page is chosen, and its preview opens. Without this script it is chosen and sent.
"use strict";
for (const field of document.querySelectorAll("[data-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || field.value;
}
for (const form of document.querySelectorAll("[data-import]")) {
  const zone = form.querySelector("[data-drop]"), input = form.querySelector("input[type=file]");
  const over = (event, isOver) => {
    event.preventDefault();
    zone.classList.toggle("import-over", isOver);
  };
  document.addEventListener("dragover", (event) => over(event, true));
  document.addEventListener("dragleave", (event) => over(event, false));
  document.addEventListener("drop", (event) => {
    over(event, false);
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  window.addEventListener("change", (event) =>
    event.target === input && input.files.length && form.requestSubmit(), true);  // before file_inputs.js ends it
}
