// The theme writes the name of a chosen file into a text field near it, whichever that is: ours are shown by the browser.
"use strict";
document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=file]")) event.stopPropagation();
}, true);
