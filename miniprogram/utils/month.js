/** A month of check-ins as weeks of days, Monday first. Pure functions over dates written YYYY-MM-DD. */

/** @param {string} date @returns {[number, number, number]} */
const parts = (date) => /** @type {[number, number, number]} */ (date.split('-').map(Number));

/** @param {number} n */
const twoDigits = (n) => String(n).padStart(2, '0');

/** The first day of the month so many months later. @param {string} month @param {number} months */
function shifted(month, months) {
  const [year, number] = parts(month);
  const at = new Date(Date.UTC(year, number - 1 + months, 1));
  return `${at.getUTCFullYear()}-${twoDigits(at.getUTCMonth() + 1)}-01`;
}

/** @typedef {'blank' | 'checked' | 'made_up' | 'missed' | 'plain'} State */
/** @typedef {{date: string, day: number, state: State, today: boolean}} Cell */

/**
 * As many blank days before the first as the week had.
 * @param {import('./api.js').Calendar} calendar
 * @returns {Cell[]}
 */
function monthDays(calendar) {
  const [year, month] = parts(calendar.month);
  const before = (new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 6) % 7;
  const count = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const there = new Map(calendar.days.map((one) => [one.day, one.made_up]));
  /** @type {Cell[]} */
  const cells = [];
  for (let n = 0; n < before; n += 1) cells.push({ date: `blank${n}`, day: 0, state: 'blank', today: false });
  for (let day = 1; day <= count; day += 1) {
    const date = `${calendar.month.slice(0, 8)}${twoDigits(day)}`;
    cells.push({ date, day, state: stateOf(calendar, date, there.get(date)), today: date === calendar.today });
  }
  return cells;
}

/**
 * @param {import('./api.js').Calendar} calendar
 * @param {string} date
 * @param {boolean | undefined} madeUp undefined: not checked in
 * @returns {State}
 */
function stateOf(calendar, date, madeUp) {
  if (madeUp !== undefined) return madeUp ? 'made_up' : 'checked';
  const missed = date >= calendar.make_up_from && date < calendar.today && calendar.make_ups_left > 0;
  return missed ? 'missed' : 'plain';
}

module.exports = { monthDays, shifted };
