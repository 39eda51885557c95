/* The statement: portfolio and day apply on change, and the button "Print" prints the page. */
"use strict";

{
    const form = document.querySelector(".statement-bar"), button = form.querySelector("[data-print]");
    form.addEventListener("change", event => { if ("submitOnChange" in event.target.dataset) form.submit(); });
    button.hidden = false;
    button.addEventListener("click", () => print());
}
