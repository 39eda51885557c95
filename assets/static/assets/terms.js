/* How an asset is valued: the terms of another way are shown as soon as it is chosen. */
"use strict";

document.querySelectorAll("[data-submit-on-change]").forEach((field) =>
  field.addEventListener("change", () => field.form.requestSubmit()));
