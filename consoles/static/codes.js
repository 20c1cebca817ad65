// What kind of code some digits are, judged by their shape alone. The server judges again; what is recognised as a
// payment code here never leaves the browser.

const { prefixes, length } = document.body.dataset;
const PREFIXES = prefixes.split(" ");
const LENGTH = Number(length);

/** The text with full-width digits made plain, without the spaces and hyphens between groups. */
export function plain(text) {
  return text.normalize("NFKC").replace(/[\s-]/g, "");
}

/** Of a member, or of one of their coupons. */
export function isMemberCode(digits) {
  return (
    digits.length === LENGTH && PREFIXES.some((prefix) => digits.startsWith(prefix)) && /^[0-9]+$/.test(digits)
  );
}

/** WeChat Pay: 18 digits from 10–15. Alipay: 16–24 digits from 25–30, or fp and 33 letters. UnionPay: 19 from 62. */
export function isPaymentCode(text) {
  return /^(1[0-5]\d{16}|(2[5-9]|30)\d{14,22}|62\d{17}|fp[0-9A-Za-z]{33})$/.test(text);
}

/** "member", "payment" or "other". */
export function kindOf(text) {
  if (isMemberCode(text)) return "member";
  return isPaymentCode(text) ? "payment" : "other";
}

/** The member code at the end of a run of digits: an amount may have been typed right before the scan. */
export function memberCodeAtEnd(digits) {
  const end = digits.slice(-LENGTH);
  return isMemberCode(end) ? end : null;
}
