// USB scanner guns type like a keyboard, wherever the focus is. A member code is told by its shape, not by the speed
// of the keys: keys arrive late on a busy machine. `event.code`, the physical key, is read because an input method
// for Chinese hides the character in `event.key`.

import { isPaymentCode, memberCodeAtEnd } from "./codes.js";

const PAUSE_MS = 1500; // after it, digits belong to something else
const LONGEST = 48;
const SHORTEST_BARCODE = 8;
const GUN_MS_PER_KEY = 60; // nobody types eight digits faster than this

export class Wedge {
  /** Calls `heard(kind, code)` with kind "member", "payment" or "other"; puts back what the field held before. */
  constructor(heard) {
    this.heard = heard;
    this.keys = [];
    document.addEventListener("keydown", (event) => this.key(event), true);
  }

  key(event) {
    if (event.ctrlKey && event.code === "KeyJ") return event.preventDefault(); // a line feed as suffix: "downloads"
    if (event.ctrlKey || event.altKey || event.metaKey || event.key === "Shift") return;
    const last = this.keys[this.keys.length - 1];
    if (last && event.timeStamp - last.at > PAUSE_MS) this.keys = [];
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (digit && !event.shiftKey) {
      const field = document.activeElement;
      this.keys.push({ digit: digit[1], at: event.timeStamp, field, before: field && field.value });
      this.keys = this.keys.slice(-LONGEST);
      return;
    }
    if (event.code === "Enter" || event.code === "NumpadEnter" || event.code === "Tab") this.end(event);
    this.keys = [];
  }

  end(event) {
    const digits = this.keys.map((key) => key.digit).join("");
    const code = memberCodeAtEnd(digits);
    if (code) return this.take(event, "member", code);
    this.keys = this.ofOneField();
    return this.endOther(event, this.keys.map((key) => key.digit).join(""));
  }

  endOther(event, digits) {
    const byGun = this.byGun();
    const field = this.keys.length ? this.keys[0].field : null;
    // A long receipt number may look like a payment code; there only the speed tells.
    if (isPaymentCode(digits) && (byGun || !field || field.name !== "receipt_no")) {
      return this.take(event, "payment", digits);
    }
    // The bar code of an article would be an amount of millions; on a button its Enter would be a sale.
    if (byGun && field && (field.name === "amount" || "pay" in field.dataset)) this.take(event, "other", digits);
  }

  /** The last digits that went into the same field: what was typed elsewhere a moment before is no part of a bar code. */
  ofOneField() {
    const field = this.keys.at(-1)?.field;
    return this.keys.slice(this.keys.findLastIndex((key) => key.field !== field) + 1);
  }

  byGun() {
    const [first, last] = [this.keys[0], this.keys[this.keys.length - 1]];
    const count = this.keys.length;
    return count >= SHORTEST_BARCODE && last.at - first.at < count * GUN_MS_PER_KEY;
  }

  take(event, kind, code) {
    event.preventDefault();
    event.stopImmediatePropagation();
    const { field, before } = this.keys[this.keys.length - code.length];
    if (field && before !== undefined && field.isConnected) field.value = before;
    this.heard(kind, code);
  }
}
