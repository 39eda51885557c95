// "Remove demo data" asks in a dialog. Without scripts it opens a page that asks the same.
"use strict";

const dialog = document.getElementById("demo-dialog");
document.getElementById("demo-remove").addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
});
dialog.querySelector(".demo-cancel").addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
});
