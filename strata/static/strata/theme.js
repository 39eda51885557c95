// The theme that was chosen in the admin, for pages without its scripts. Without a choice it is that of the system.
"use strict";

try {
    const chosen = JSON.parse(localStorage.getItem("_x_adminTheme") || localStorage.getItem("adminTheme"));
    if (chosen === "dark" || chosen === "light") document.documentElement.classList.add(chosen);
} catch {
    // Storage may be switched off.
}
