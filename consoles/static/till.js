// The till page: what a scan means at this moment, which screen covers which, where the focus goes.
// Amounts, members and receipts come from the server; this script counts nothing.

import { Camera } from "./camera.js";
import { kindOf, plain } from "./codes.js";
import { Wedge } from "./wedge.js";

const $ = (selector) => document.querySelector(selector);
const stage = $("#stage");
const body = document.body;
let sending = false; // a request is under way
let last = null; // the form or button that was sent last, to be sent again
let asked = null; // what was sent last for a sale: to which path, with which fields
let unclear = null; // that of the sale of which nobody knows whether it was recorded; null: there is none
let accepted = ""; // the code of the member on the screen: guns and hands fire twice
let waiting = ""; // a code that waits for the answer to "another member?"
let leaving = false;

const at = () => stage.querySelector("[data-stage]").dataset.stage;
const hasMember = () => stage.querySelector("[data-member]") !== null;
const typed = () => ($("#sale-form [name=amount]")?.value ?? "") !== "";

const isTouched = () => matchMedia("(pointer: coarse)").matches;

function show(dialog) {
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[data-focus]").focus();
}

function focusIn(root) {
  const wanted = root.querySelector("[data-focus]");
  // On a phone or tablet the keyboard would jump up and cover half of the page.
  const field = wanted?.hasAttribute("data-fine-only") && isTouched() ? stage : wanted;
  (field ?? stage).focus();
  if (field?.select) field.select();
}

/** After a dialog: the browser gives the focus back to the field that had it; if there was none, to the first. */
function refocus() {
  if (!stage.contains(document.activeElement) || document.activeElement === stage) focusIn(stage);
}

// --- codes, from wherever they come -------------------------------------------------------------------------------

function heard(kind, code) {
  if (sending || $("#lost").open) return; // first the answer, then the next customer
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  if (kind === "payment") return refusePayment();
  if (at() === "sale" && hasMember()) {
    if (code === accepted) return;
    waiting = code;
    return show($("#replace"));
  }
  send(code);
}

function refusePayment() {
  if ($("#code")) $("#code").value = "";
  show($("#payment"));
}

function send(code) {
  const form = $("#scan-form");
  form.elements.code.value = code;
  submit(form);
}

function submit(form) {
  form.dataset.judged = "";
  form.requestSubmit();
  delete form.dataset.judged;
}

// What is typed goes the same way as what is scanned, so htmx may not see it before.
document.addEventListener(
  "submit",
  (event) => {
    if (event.target.id !== "scan-form" || "judged" in event.target.dataset) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const code = plain(event.target.elements.code.value);
    // Not at once: a form cannot be submitted from within its own submit event.
    if (code) setTimeout(() => heard(kindOf(code), code));
    else event.target.elements.code.focus();
  },
  true,
);

new Wedge((kind, code) => (kind === "other" ? (sending ? null : send(code)) : heard(kind, code)));
const camera = new Camera($("#camera"), heard);

// --- buttons and keys ---------------------------------------------------------------------------------------------

const DEEDS = {
  camera: () => camera.open(),
  print: () => window.print(),
  cancel,
  again,
  close: (button) => button.closest("dialog").close(),
  "drop-yes": drop,
  "drop-guest-yes": drop,
  "drop-unclear-yes": drop,
  "ask-again": askAgain,
  "replace-yes": (button) => (button.closest("dialog").close(), send(waiting)),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) DEEDS[button.dataset.do]?.(button);
});

// The second tap of a double one, or a key held down, was not meant for the button that has just come to lie there.
document.addEventListener(
  "click",
  (event) => {
    if (event.detail > 1 && event.target.closest("[data-pay]")) event.preventDefault();
  },
  true,
);

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.repeat && event.target.closest("[data-pay]")) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || $("dialog[open]") || at() !== "sale") return;
  event.preventDefault();
  cancel();
});

function cancel() {
  if (sending) return;
  if (isUnclear()) show($("#drop-unclear"));
  else if (hasMember()) show($("#drop"));
  else if (typed()) show($("#drop-guest"));
  else $("#leave").click();
}

function drop(button) {
  button.closest("dialog").close();
  $("#leave").click();
}

function again() {
  const form = last;
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  if (isSale(form)) resend(form, asked);
  else if (form.matches("form")) submit(form);
  else form.click();
}

/** The very same request, whatever was changed in the form since: key, amount and the button that was pressed. */
function resend(form, { path, fields }) {
  htmx.ajax("POST", path, { source: form, values: fields });
}

/** Whether the sale on the screen may have been recorded: an answer to its key was lost. */
function isUnclear() {
  return unclear !== null && $("#sale-form")?.elements.sale_key.value === unclear.fields.sale_key;
}

/** The answer to the request whose answer was lost tells what became of it. */
function askAgain(button) {
  button.closest("dialog").close();
  resend($("#sale-form"), unclear);
}

// --- answers ------------------------------------------------------------------------------------------------------

/** Asks every other second whether the member has answered on the phone; a lost answer is followed by the next one. */
const isPoll = (event) => event.detail.elt?.dataset?.poll !== undefined;

body.addEventListener("htmx:beforeRequest", (event) => {
  if (isPoll(event)) return;
  sending = true;
  last = event.detail.elt;
  const { path, formData } = event.detail.requestConfig;
  if (isSale(last)) asked = { path, fields: Object.fromEntries(formData) };
  body.setAttribute("aria-busy", "true");
});

body.addEventListener("htmx:afterRequest", (event) => {
  if (isPoll(event)) return;
  sending = false;
  body.removeAttribute("aria-busy");
});

body.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Redirect")) leaving = true;
});

body.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (isPoll(event)) return keepOutOfTheWay(event, xhr.getResponseHeader("HX-Retarget"));
  if (xhr.getResponseHeader("X-Fragment")) return;
  event.detail.shouldSwap = false; // some proxy's page, not an answer of ours
  lost();
});

/** What has happened is shown, whatever the clerk does; the rest only to whoever still waits for it. */
function keepOutOfTheWay(event, where) {
  if (where === "#stage" || (where === "#sale-form" && stage.contains(event.detail.elt))) return;
  event.detail.shouldSwap = false;
}

for (const fault of ["htmx:sendError", "htmx:timeout"]) {
  body.addEventListener(fault, (event) => isPoll(event) || lost());
}

const isSale = (element) => element?.id === "sale-form";

function lost() {
  if (isSale(last)) unclear = asked;
  show($("#lost"));
}

/** Refusals after which the sale may stand in the books all the same, by this try or an earlier one. */
const UNCLEAR = ["internal_error", "database_unavailable", "idempotency_key_reused"];

/** What an answer of ours says of a sale whose outcome was unclear. A form that is not right was not looked up. */
function learn(xhr, code) {
  if (UNCLEAR.includes(code)) unclear ??= asked;
  else if (code === undefined && xhr.status !== 422) unclear = null;
}

body.addEventListener("htmx:afterSettle", (event) => {
  const screen = $("#overlay dialog:not([open])");
  if (isSale(last)) learn(event.detail.xhr, screen?.dataset.code);
  if (screen) return showScreen(screen);
  const form = event.detail.elt;
  const said = sayer();
  $("#spoken").textContent = said.dataset.say;
  if (last?.id === "scan-form") accepted = last.elements.code.value;
  const beside = said.id === "coupons" ? said.querySelector(".coupon-told") : null;
  // Below the amount, whose keyboard would cover it on a phone.
  if (form) focusIn(beside && isTouched() ? said : stage);
  window.scrollTo(0, 0);
  beside?.scrollIntoView({ block: "nearest" });
});

/** What tells what has happened: a coupon redeemed or given, the form in the middle of a sale, or the whole stage. */
function sayer() {
  const coupons = last?.matches(".coupon-form") ? stage.querySelector("#coupons[data-say]") : null;
  return coupons ?? stage.querySelector("#sale-form[data-say]") ?? stage.querySelector("[data-stage]");
}

function showScreen(screen) {
  screen.addEventListener("close", () => afterScreen(screen));
  show(screen);
}

/** Back from a refusal: ready for the next code; mistyped digits stay, to be put right. */
function afterScreen(screen) {
  const code = $("#code");
  screen.remove();
  if (sending || !code) return;
  if (screen.dataset.code !== "code_malformed" || at() !== "ready") code.value = "";
  refocus();
}

for (const dialog of document.querySelectorAll("body > dialog")) {
  dialog.addEventListener("close", () => sending || $("dialog[open]") || refocus());
}

// --- the surroundings ---------------------------------------------------------------------------------------------

window.addEventListener("beforeunload", (event) => {
  if (!leaving && at() === "sale" && (hasMember() || typed())) event.preventDefault();
});

// The button that printed was hidden on paper, and so lost the focus.
window.addEventListener("afterprint", () => focusIn(stage));

const sayNetwork = () => ($("#offline").hidden = navigator.onLine);
window.addEventListener("online", sayNetwork);
window.addEventListener("offline", sayNetwork);
sayNetwork();
focusIn(stage);
body.dataset.listening = "";
