/** How numbers, money, times and codes look on the screen. Pure functions. */

/** @param {number} n */
const twoDigits = (n) => String(n).padStart(2, '0');

/**
 * 12345 is `12,345`. Written out because not every phone's JavaScript engine carries locale data.
 * @param {number} whole
 */
function grouped(whole) {
  const sign = whole < 0 ? '-' : '';
  return sign + String(Math.abs(whole)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A change with its sign: `+20`, `-5`. @param {number} points */
function signed(points) {
  return points > 0 ? `+${grouped(points)}` : grouped(points);
}

/** Money from whole fen, so no float ever holds it: 123456 is `1,234.56`. @param {number} amountFen */
function yuan(amountFen) {
  const fen = Math.abs(amountFen);
  const sign = amountFen < 0 ? '-' : '';
  return `${sign}${grouped(Math.floor(fen / 100))}.${twoDigits(fen % 100)}`;
}

/** A change of money with its sign: `+50.00`, `-3.20`. @param {number} amountFen */
function signedYuan(amountFen) {
  return amountFen > 0 ? `+${yuan(amountFen)}` : yuan(amountFen);
}

/** The phone's local calendar day of a UTC instant. @param {string} instant RFC 3339 */
function day(instant) {
  const at = new Date(instant);
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
}

/** The last local day before something is over at that instant. @param {string} instant RFC 3339, exclusive */
function lastDay(instant) {
  return day(new Date(Date.parse(instant) - 1).toISOString());
}

/** Local day and minute. @param {string} instant RFC 3339 */
function minute(instant) {
  const at = new Date(instant);
  return `${day(instant)} ${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
}

/** Its dates stay whole at the end of a line: browsers break after a hyphen, unless a word joiner follows. @param {string} text */
function wholeDates(text) {
  return text.replace(/(\d)-(?=\d)/g, '$1-\u2060');
}

/** A 20-digit code in fours, easier to read aloud to a clerk. @param {string} digits */
function inFours(digits) {
  return digits.replace(/(\d{4})(?=\d)/g, '$1 ');
}

module.exports = { grouped, signed, yuan, signedYuan, day, lastDay, minute, wholeDates, inFours };
