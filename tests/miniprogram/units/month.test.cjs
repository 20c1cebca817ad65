/** A month of check-ins as weeks. */
const test = require('node:test');
const assert = require('node:assert/strict');
const { monthDays, shifted } = require('../../../miniprogram/utils/month.js');

const MARCH = {
  month: '2031-03-01',
  today: '2031-03-10',
  make_up_from: '2031-03-05',
  make_ups_left: 1,
  days: [
    { day: '2031-03-06', made_up: false },
    { day: '2031-03-07', made_up: true },
  ],
};

test('a month begins under its weekday and has all its days', () => {
  const cells = monthDays(MARCH); // 1 March 2031 is a Saturday
  assert.equal(cells.filter((cell) => cell.state === 'blank').length, 5);
  assert.equal(cells.length, 5 + 31);
  assert.equal(monthDays({ ...MARCH, month: '2032-02-01', days: [] }).filter((cell) => cell.day).length, 29);
});

test('days say what they are', () => {
  const states = Object.fromEntries(monthDays(MARCH).map((cell) => [cell.day, cell.state]));
  assert.deepEqual([4, 5, 6, 7, 9, 10, 11].map((day) => states[day]), [
    'plain', 'missed', 'checked', 'made_up', 'missed', 'plain', 'plain',
  ]);
  assert.equal(monthDays({ ...MARCH, make_ups_left: 0 }).some((cell) => cell.state === 'missed'), false);
});

test('months turn over the end of a year', () => {
  assert.equal(shifted('2031-01-01', -1), '2030-12-01');
  assert.equal(shifted('2031-12-01', 1), '2032-01-01');
});
