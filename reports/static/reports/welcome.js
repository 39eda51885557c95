// The admin's first page of a user without assets: ticking a tile opens it, and the focus goes to the value.
"use strict";

const MOST_ROWS = 20;
const form = document.getElementById("welcome-form");
const settings = { currency: form.elements.currency, zone: form.elements.time_zone };
let usual = settings.currency.value;

const fieldOf = (row, kind) => row.querySelector(`.welcome-${kind} input`);
const checkboxOf = (tile) => tile.querySelector(".welcome-tick input");

// What is hidden is not sent. It keeps what was typed, should the tile be ticked again.
function showTile(tile) {
    for (const input of tile.querySelectorAll(".welcome-more input")) input.disabled = !checkboxOf(tile).checked;
}

function addRow(tile) {
    const rows = tile.querySelectorAll(".welcome-row");
    const first = rows[0], last = rows[rows.length - 1];
    const number = Number(last.dataset.prefix.split(".")[1]) + 1;
    if (number >= MOST_ROWS) return;
    const row = first.cloneNode(true);
    const prefix = first.dataset.prefix.replace(/\.\d+$/, `.${number}`);
    const title = `${first.dataset.title} ${number + 1}`;
    row.dataset.prefix = prefix;
    row.dataset.title = title;
    for (const asked of row.querySelectorAll(".welcome-error, .welcome-readings, [type=hidden]")) asked.remove();
    for (const kind of ["name", "value", "currency"]) {
        const input = fieldOf(row, kind);
        input.id = input.name = `${prefix}.${kind}`;
        input.closest(".welcome-field").querySelector("label").htmlFor = input.id;
        input.setAttribute("aria-label", title + input.getAttribute("aria-label").slice(first.dataset.title.length));
        input.removeAttribute("aria-invalid");
        input.removeAttribute("aria-describedby");
    }
    fieldOf(row, "name").value = title;
    fieldOf(row, "value").value = "";
    fieldOf(row, "currency").value = settings.currency.value;
    const remove = row.querySelector(".welcome-remove");
    remove.hidden = false;
    remove.setAttribute("aria-label", `${remove.dataset.text} ${title}`);
    last.after(row);
    fieldOf(row, "value").focus();
}

for (const tile of form.querySelectorAll(".welcome-tile")) {
    showTile(tile);
    checkboxOf(tile).addEventListener("change", () => {
        showTile(tile);
        if (checkboxOf(tile).checked) fieldOf(tile, "value").focus();
    });
    tile.addEventListener("click", (event) => {
        if (event.target.closest(".welcome-another")) addRow(tile);
        if (event.target.closest(".welcome-change")) fieldOf(event.target.closest(".welcome-row"), "value").focus();
        if (event.target.closest(".welcome-remove")) {
            event.target.closest(".welcome-row").remove();
            tile.querySelector(".welcome-another").focus();
        }
    });
}

// Enter goes on to the next tile, and from the last one to Create: it does not create what is half typed.
form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    const tile = event.target.closest(".welcome-tile");
    const next = tile ? tile.nextElementSibling : form.querySelector(".welcome-tile");
    (next ? checkboxOf(next) : document.querySelector(".welcome-primary")).focus();
});

// The currencies of the tiles follow the reporting currency until they are changed.
settings.currency.addEventListener("change", () => {
    settings.currency.value = settings.currency.value.trim().toUpperCase();
    for (const input of form.querySelectorAll(".welcome-row .welcome-currency input")) {
        if (input.value === usual) input.value = settings.currency.value;
    }
    usual = settings.currency.value;
});

if (form.dataset.takesZone === "yes") {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) settings.zone.value = zone;
}

// The first field that is wrong, else the page as it opens.
form.querySelector("[aria-invalid]:not([disabled])")?.focus();
