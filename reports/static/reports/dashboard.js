/* The dashboard: filters submit themselves on change, and the chart shows the figures of the day under the pointer. */
"use strict";

{
    const form = document.querySelector("[data-filters]");
    const CHANGED = "strata.filter";
    const TYPING = 900; // milliseconds without a key
    const WHOLE_DAY = /\d{4}\s*$|^\s*\d{4}-\d{2}-\d{2}\s*$/; // with a year of four digits at the end, or in front

    function submit(field) {
        const days = [...form.querySelectorAll("[data-day]")];
        if (days.includes(field)) form.elements.range.value = "own";
        else if (form.elements.range.value !== "own") days.forEach(day => { day.disabled = true; });
        sessionStorage.setItem(CHANGED, field.name);
        form.submit();
    }

    if (form) {
        let waiting;
        form.addEventListener("input", event => {
            clearTimeout(waiting);
            if ("day" in event.target.dataset && WHOLE_DAY.test(event.target.value)) {
                waiting = setTimeout(submit, TYPING, event.target);
            }
        });
        form.addEventListener("change", event => {
            clearTimeout(waiting);
            submit(event.target);
        });
        const changed = sessionStorage.getItem(CHANGED);
        sessionStorage.removeItem(CHANGED);
        if (changed) form.elements[changed]?.focus({preventScroll: true});
    }

    const chart = document.querySelector("[data-chart]");
    const table = document.querySelector("[data-chart-rows]");
    if (chart && table) {
        const plot = chart.firstElementChild;
        const headings = [...table.tHead.rows[0].cells].map(cell => cell.textContent);
        const rows = [...table.tBodies[0].rows];
        const cursor = document.createElement("span"), tip = document.createElement("span");
        cursor.className = "dash-cursor";
        tip.className = "dash-tip";

        plot.addEventListener("pointermove", event => {
            const place = (event.clientX - plot.getBoundingClientRect().left) / plot.clientWidth;
            // The last day that is not after the pointer; rows are in descending order of their days.
            const row = rows.find(candidate => candidate.dataset.place <= 100 * place) ?? rows.at(-1);
            const [day, ...figures] = row.cells;
            tip.replaceChildren(day.textContent, ...figures.map((figure, number) => {
                const line = document.createElement("b"), amount = document.createElement("span");
                amount.className = "amount";
                amount.textContent = figure.textContent;
                line.append(figures.length > 1 ? `${headings[number + 1]}: ` : "", amount);
                return line;
            }));
            cursor.style.left = tip.style.left = `${row.dataset.place}%`;
            tip.classList.toggle("dash-left", row.dataset.place > 50);
            plot.append(cursor, tip);
        });
        plot.addEventListener("pointerleave", () => { cursor.remove(); tip.remove(); });
    }
}
