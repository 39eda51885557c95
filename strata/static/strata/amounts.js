/* "Hide amounts": every amount of every page is blurred and hidden from screen readers, until "Show amounts". The browser
   keeps the choice. It runs before the page is drawn, so that no amount is visible for a moment. */
"use strict";

{
    const KEY = "strata.amounts", HIDDEN = "hidden";
    // Wherever a page shows an amount; a new page marks one with the class "amount".
    const AMOUNTS = [
        ".amount",
        ":is(td, div)[class*='field-value']:not(:has(input)) :is(.readonly, p)",
        ...["value_now", "value_shown", "amount_shown", "quantity_shown"].map(name => `td.field-${name}`),
        ...["value", "amount", "quantity", "fee", "tax"].map(name => `.strata-history [data-of="${name}" i]`),
    ].join(", ");
    // What is typed stays readable while it is typed, and stays in the order of tabs: it is only blurred.
    const TYPED = ["value", "amount", "quantity", "unit_price", "fee", "tax"]
        .map(name => `:is(#content, #main) input[name$="${name}"]:not(:focus)`).join(", ");
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`html.amounts-hidden :is(${AMOUNTS}), html.amounts-hidden :is(${TYPED})
        { filter: blur(.4em); user-select: none; }`);
    document.adoptedStyleSheets.push(sheet);

    const isHidden = () => document.documentElement.classList.contains("amounts-hidden");

    function read() {
        try { return localStorage.getItem(KEY); } catch { return null; } // no storage: amounts are shown
    }

    function keep(hidden) {
        try { hidden ? localStorage.setItem(KEY, HIDDEN) : localStorage.removeItem(KEY); } catch { /* only this page */ }
    }

    function apply(hidden) {
        document.documentElement.classList.toggle("amounts-hidden", hidden);
        mark(document);
        for (const button of document.querySelectorAll("[data-hide-amounts]")) {
            button.hidden = false;
            button.querySelector("[data-text]").textContent = hidden ? button.dataset.show : button.dataset.hide;
        }
    }

    function mark(root) {
        for (const element of root.querySelectorAll(AMOUNTS)) {
            if (isHidden()) element.setAttribute("aria-hidden", "true");
            else element.removeAttribute("aria-hidden");
        }
    }

    document.documentElement.classList.toggle("amounts-hidden", read() === HIDDEN);
    document.addEventListener("DOMContentLoaded", () => {
        apply(read() === HIDDEN);
        new MutationObserver(() => { if (isHidden()) mark(document); })
            .observe(document.body, {childList: true, subtree: true});
    });
    document.addEventListener("click", event => {
        if (!event.target.closest?.("[data-hide-amounts]")) return;
        keep(!isHidden());
        apply(!isHidden());
    });
    // Another tab of the browser.
    addEventListener("storage", event => { if (event.key === KEY) apply(event.newValue === HIDDEN); });
}
