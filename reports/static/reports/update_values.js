// The page "Update values". The server reads the numbers, adds up and decides; this moves texts between it and the table.
"use strict";

document.querySelectorAll("[data-submit-on-change]").forEach((field) =>
  field.addEventListener("change", () => field.form.requestSubmit()));

const form = document.getElementById("update-values");
if (form && document.getElementById("uv-words")) start();

function start() {
  const words = document.getElementById("uv-words").dataset;
  const saveButton = form.querySelector("button[value=save]");
  const alertBox = form.querySelector("[data-alert]");
  const conflicts = form.querySelector("[data-conflicts]");
  const total = form.querySelector("[data-total]");
  const saved = form.querySelector("[data-saved]");
  let waiting = 0;
  let latest = 0;
  let saving = false;

  // --- the rows ---

  const rows = () => [...form.querySelectorAll("tr[data-asset]")];
  const rowOf = new Map(rows().map((element) => [element.dataset.asset, element]));
  const row = (asset) => rowOf.get(asset);
  const field = (element, name) => element.querySelector(`[name="${name}-${element.dataset.asset}"]`);
  const valueFields = () => rows().map((element) => field(element, "value"));
  const typed = () => rows().filter((element) => field(element, "value").value.trim() !== "" || field(element, "note").value !== "");
  const entered = () => typed().map((element) => ({
    asset: element.dataset.asset,
    text: field(element, "value").value,
    note: field(element, "note").value,
    seen: field(element, "seen").value,
    reading: field(element, "value").dataset.reading || "",
  }));

  // `reading` is what was chosen of several readings of the text, in plain digits.
  function enter(element, text, reading = "") {
    field(element, "value").value = text;
    field(element, "value").dataset.reading = reading;
  }

  function showError(element, message) {
    const input = field(element, "value");
    const note = document.getElementById(`whole-${element.dataset.asset}`);
    element.querySelector(".uv-error").textContent = message || "";
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    if (message) input.setAttribute("aria-describedby", `error-${element.dataset.asset}`);
    else if (note) input.setAttribute("aria-describedby", note.id);
    else input.removeAttribute("aria-describedby");
  }

  // --- the server ---

  const token = form.elements.csrfmiddlewaretoken;
  const isJson = (answer) => (answer.headers.get("Content-Type") || "").startsWith("application/json");

  async function ask(action, more) {
    const asked = JSON.stringify({ action, portfolio: form.elements.portfolio.value, on: form.elements.on.value, ...more });
    const send = () => fetch(form.dataset.address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token.value },
      body: asked,
    });
    let answer = await send();
    if (!isJson(answer) && await renewToken()) answer = await send();
    if (!isJson(answer)) throw new Error(answer.redirected ? words.loggedOut : words.failed);
    return answer.json();
  }

  // A new login, perhaps in another tab, makes a new token: what was typed here can still be saved.
  async function renewToken() {
    const page = await fetch(form.dataset.address);
    if (page.redirected) throw new Error(words.loggedOut);
    const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
    const fresh = parsed.querySelector("[name=csrfmiddlewaretoken]");
    if (fresh) token.value = fresh.value;
    return Boolean(fresh);
  }

  // A request that did not arrive has the browser's own message, which is not for people.
  const reason = (error) => ([words.loggedOut, words.failed].includes(error.message) ? error.message : words.failed);

  // --- while typing ---

  function previewSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(preview, 150);
  }

  async function preview() {
    const number = ++latest;
    const asked = entered();
    const withText = new Set(asked.map((entry) => entry.asset));
    rows().filter((element) => !withText.has(element.dataset.asset)).forEach((element) => {
      element.querySelector("[data-cell=difference]").textContent = "";
      showError(element, "");
    });
    if (asked.length === 0) {
      total.textContent = words.nothing;
      return;
    }
    try {
      const answer = await ask("preview", { rows: asked });
      if (number !== latest) return;
      total.textContent = answer.total;
      for (const asset of asked.map((entry) => entry.asset)) {
        const element = row(asset);
        element.querySelector("[data-cell=difference]").textContent = answer.differences[asset] || "";
        if (!answer.errors[asset]) showError(element, "");
      }
    } catch { /* Saving says what is wrong. */ }
  }

  // --- saving ---

  async function save(more) {
    if (saving) return;
    clearTimeout(waiting);
    latest += 1; // the answer of a preview that is on its way comes too late
    alertBox.textContent = "";
    conflicts.replaceChildren();
    const asked = entered();
    if (asked.length === 0) {
      total.textContent = words.nothing;
      return;
    }
    saving = true;
    form.setAttribute("aria-busy", "true");
    try {
      show(await ask("save", { rows: asked, ...more }), asked);
    } catch (error) {
      alertBox.textContent = reason(error);
    } finally {
      saving = false;
      form.removeAttribute("aria-busy");
    }
  }

  function show(answer, asked) {
    asked.forEach((entry) => showError(row(entry.asset), (answer.errors || {})[entry.asset]));
    alertBox.textContent = answer.alert || "";
    if (answer.readings) askWhichNumber(answer.readings);
    else if (answer.slips) askAboutSlips(answer.slips);
    else if (answer.conflicts) offerChoices(answer.conflicts);
    else if (answer.saved) showSaved(answer, asked);
    const invalid = form.querySelector("[aria-invalid]");
    if (invalid && !answer.saved) invalid.focus();
  }

  function showSaved(answer, asked) {
    asked.forEach((entry) => {
      const element = row(entry.asset);
      if (field(element, "value").value !== entry.text || field(element, "note").value !== entry.note) return; // typed meanwhile
      enter(element, "");
      field(element, "note").value = "";
      element.querySelector("[data-cell=difference]").textContent = "";
    });
    update(answer.rows);
    preview();
    saved.replaceChildren(answer.saved);
    if (answer.undo) saved.append(" ", button(words.undo, () => undo(answer.undo)));
  }

  async function undo(requestId) {
    try {
      const answer = await ask("undo", { request_id: requestId });
      alertBox.textContent = answer.alert || "";
      if (answer.undone) {
        update(answer.rows);
        saved.textContent = answer.undone;
        preview();
      }
    } catch (error) {
      alertBox.textContent = reason(error);
    }
  }

  function update(fresh) {
    for (const [asset, state] of Object.entries(fresh || {})) {
      const element = row(asset);
      if (!element) continue;
      const cell = element.querySelector("[data-cell=last]");
      const day = document.createElement("small");
      day.className = "uv-quiet";
      day.textContent = state.last_on;
      const amount = document.createElement("span");
      amount.className = "amount";
      amount.textContent = state.last;
      const note = document.createElement("small");
      note.textContent = state.last_note;
      cell.replaceChildren(amount, ...(state.last_note ? [" ", note] : []), day);
      element.dataset.same = state.same;
      element.querySelector("button[name=same]").disabled = state.same === "";
      field(element, "seen").value = state.seen;
    }
  }

  // --- questions ---

  function button(text, act, name) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    if (name) element.setAttribute("aria-label", name);
    element.addEventListener("click", act);
    return element;
  }

  function askAboutSlips(slips) {
    const dialog = document.getElementById("uv-slips");
    dialog.querySelector("ul").replaceChildren(...slips.map((text) => listed(text)));
    dialog.returnValue = "back";
    dialog.onclose = () => { if (dialog.returnValue === "save") save({ confirmed: true }); else saveButton.focus(); };
    dialog.showModal();
  }

  function askWhichNumber(readings) {
    const dialog = document.getElementById("uv-readings");
    const list = dialog.querySelector("ul");
    let answered = false;
    list.replaceChildren(...readings.map((question) => {
      const item = listed(question.question, " ");
      item.append(...question.readings.map((text, number) => button(text, () => {
        enter(row(question.asset), text, question.digits[number]);
        item.remove();
        if (list.children.length === 0) { answered = true; dialog.close("save"); }
      })));
      return item;
    }));
    dialog.returnValue = "back";
    dialog.onclose = () => { if (answered) { preview(); save(); } else field(row(readings[0].asset), "value").focus(); };
    dialog.showModal();
  }

  function listed(...parts) {
    const item = document.createElement("li");
    item.append(...parts);
    return item;
  }

  function offerChoices(changed) {
    conflicts.replaceChildren(...changed.flatMap((conflict) => [
      button(`${words.keep} ${conflict.name}`, (event) => decide(event.target, conflict, true)),
      button(`${words.mine} ${conflict.name}`, (event) => decide(event.target, conflict, false)),
    ]));
  }

  function decide(chosen, conflict, theirs) {
    const element = row(conflict.asset);
    update({ [conflict.asset]: conflict.state });
    if (theirs) { enter(element, ""); field(element, "note").value = ""; }
    const buttons = [...conflicts.children];
    const pair = buttons.indexOf(chosen) - (theirs ? 0 : 1);
    buttons.slice(pair, pair + 2).forEach((other) => other.remove());
    if (conflicts.children.length === 0) { alertBox.textContent = ""; saveButton.focus(); }
    preview();
  }

  // --- keys, buttons, pasting ---

  function toNextRow(input, step) {
    const fields = valueFields();
    const place = fields.findIndex((other) => other.closest("tr") === input.closest("tr")) + step;
    if (place < 0) return;
    (fields[place] || saveButton).focus();
  }

  form.addEventListener("input", (event) => {
    delete event.target.dataset.reading;
    previewSoon();
  });
  form.addEventListener("keydown", (event) => {
    const input = event.target;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(); }
    else if (input.tagName !== "INPUT" || event.isComposing) return;
    else if (event.key === "Enter" || event.key === "ArrowDown") { event.preventDefault(); toNextRow(input, 1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); toNextRow(input, -1); }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const pressed = event.submitter;
    if (!pressed || pressed.value === "save") save();
    else if (pressed.name === "same") stillTheSame([pressed.closest("tr")]);
    else if (pressed.name === "action" && pressed.value === "same") stillTheSame(rows().filter(isUnchanged));
    else move(pressed);
  });

  // What has been typed already is not replaced by "Still the same for all".
  const isUnchanged = (element) => element.dataset.same && field(element, "value").value.trim() === "";

  function stillTheSame(elements) {
    elements.forEach((element) => enter(element, element.dataset.same));
    preview();
  }

  async function move(pressed) {
    const element = pressed.closest("tr");
    const other = pressed.name === "up" ? element.previousElementSibling : element.nextElementSibling;
    if (!other || !other.dataset.asset) return;
    if (pressed.name === "up") other.before(element); else other.after(element);
    pressed.focus();
    try {
      const answer = await ask("order", { assets: rows().map((each) => each.dataset.asset) });
      alertBox.textContent = answer.alert || "";
    } catch (error) {
      alertBox.textContent = reason(error);
    }
  }

  form.addEventListener("paste", async (event) => {
    const input = event.target;
    const text = event.clipboardData.getData("text/plain");
    if (!input.name || !input.name.startsWith("value-") || !/[\n\r\t;]/.test(text.trim())) return;
    event.preventDefault();
    try {
      const answer = await ask("paste", {
        text,
        first: input.closest("tr").dataset.asset,
        assets: rows().map((element) => element.dataset.asset),
      });
      alertBox.textContent = answer.alert || "";
      for (const [asset, value] of Object.entries(answer.fills || {})) enter(row(asset), value);
      preview();
    } catch (error) {
      alertBox.textContent = reason(error);
    }
  });

  // The theme hides the page until its own script has run; a hidden field cannot have the focus.
  window.addEventListener("load", () => requestAnimationFrame(() => valueFields()[0].focus()));
  window.addEventListener("beforeunload", (event) => { if (typed().length > 0) event.preventDefault(); });
  if (typed().length > 0) preview();
}
