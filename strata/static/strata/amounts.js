/* "Hide amounts": every amount of every page is blurred and hidden from screen readers, until "Show amounts". The browser
   keeps the choice. It runs before the page is drawn, so that no amount is visible for a moment. */
"use strict";

{
    const KEY = "strata.amounts", HIDDEN = "hidden";
    // Wherever a page shows an amount; a new page marks one with the class "amount". Columns and fields that cannot be
    // changed do so themselves (strata/admin/user_formats/columns.py).
    const AMOUNTS = [
        ".amount",
        ":is(td, div)[class*='field-value']:not(:has(input)) :is(.readonly, p)",
        ...["value_now", "value_shown"].map(name => `td.field-${name}`),
        ...["value", "amount", "quantity", "fee", "tax"].map(name => `.strata-history [data-of="${name}" i]`),
        ":is(.field-before, .field-after) .readonly", // the rows of a change
    ].join(", ");
    // What is typed stays readable while it is typed, and stays in the order of tabs: it is only blurred.
    const TYPED = ["value", "amount", "quantity", "unit_price", "fee", "tax"]
        .map(name => `:is(#content, #main) input[name$="${name}"]:not(:focus)`).join(", ");
    // In sentences with the class "has-amounts": every number that is no percentage.
    const NUMBERS = /([+−-]?\d+(?:[.,'’\u00a0\u202f ]\d+)*(?!\d|[.,]\d|\s*%))/;
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

    function markSentence(sentence) {
        const texts = document.createTreeWalker(sentence, NodeFilter.SHOW_TEXT), nodes = [];
        while (texts.nextNode()) if (!texts.currentNode.parentElement.closest(".amount")) nodes.push(texts.currentNode);
        for (const node of nodes.filter(({data}) => NUMBERS.test(data))) {
            node.replaceWith(...node.data.split(NUMBERS).map((part, place) => {
                if (place % 2 === 0) return part;
                const amount = document.createElement("span");
                amount.className = "amount";
                amount.textContent = part;
                return amount;
            }));
        }
    }

    function mark(root) {
        if (isHidden()) root.querySelectorAll(".has-amounts").forEach(markSentence);
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
