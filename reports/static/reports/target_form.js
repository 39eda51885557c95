/* The form of an allocation target: only the field of the chosen grouping is shown, and the others are emptied. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const chooser = document.querySelector("select[data-group-by]");
    if (!chooser) return;
    const FIELDS = { type: "asset_type", group: "group", category: "category", tag: "tag", currency: "currency", asset: "asset" };
    const input = name => document.getElementById(`id_${name}`);
    const row = name => input(name)?.closest(`.field-${name}`);
    const filled = Object.keys(FIELDS).find(key => input(FIELDS[key])?.value);
    if (!chooser.value && filled) chooser.value = filled;

    function show() {
        for (const [key, name] of Object.entries(FIELDS)) {
            const field = input(name);
            if (!field) continue;
            row(name)?.toggleAttribute("hidden", key !== chooser.value);
            row(name)?.style.setProperty("display", key === chooser.value ? "" : "none");
            if (key !== chooser.value && field.value) {
                field.value = "";
                field.dispatchEvent(new Event("change", { bubbles: true }));
            }
        }
    }
    chooser.addEventListener("change", show);
    show();
});
