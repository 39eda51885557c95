/* Names the selects that search (select2): it leaves them without the name that their label has. */
"use strict";

{
    function nameOf(select) {
        const label = select.labels?.[0];
        return select.getAttribute("aria-label") || label?.textContent.replace("*", "").trim() || "";
    }

    function nameAll() {
        for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
            const box = select.nextElementSibling, name = nameOf(select);
            if (!name || !box?.matches(".select2")) continue;
            for (const part of box.querySelectorAll(".select2-selection, [role=textbox], input")) {
                part.setAttribute("aria-label", name);
            }
            const field = box.querySelector(".select2-selection--single");
            const value = box.querySelector(".select2-selection__rendered");
            if (field && value) { // the name, and then what is chosen
                field.id ||= `${value.id}-field`;
                field.setAttribute("aria-labelledby", `${field.id} ${value.id}`);
                value.removeAttribute("role");
                value.removeAttribute("aria-label");
                value.removeAttribute("aria-readonly");
            }
            for (const item of box.querySelectorAll("ul > span")) item.setAttribute("role", "listitem");
        }
    }

    // select2 makes these parts when the page is ready, when a row is added, and again when something is chosen.
    document.addEventListener("DOMContentLoaded", () => {
        new MutationObserver(nameAll).observe(document.getElementById("main") ?? document.body, {childList: true, subtree: true});
        nameAll();
    });
}
