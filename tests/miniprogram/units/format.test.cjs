const test = require('node:test');
const assert = require('node:assert/strict');
const { grouped, signed, yuan, minute, day, lastDay, wholeDates, inFours } = require('../../../miniprogram/utils/format.js');
const { fill } = require('../../../miniprogram/i18n/index.js');

process.env.TZ = 'Asia/Shanghai';

test('whole numbers are grouped in threes', () => {
  assert.equal(grouped(0), '0');
  assert.equal(grouped(999), '999');
  assert.equal(grouped(1234567), '1,234,567');
  assert.equal(grouped(-1234), '-1,234');
});

test('a change of points carries its sign', () => {
  assert.deepEqual([signed(20), signed(0), signed(-1500)], ['+20', '0', '-1,500']);
});

test('fen become yuan without a float', () => {
  assert.deepEqual([yuan(0), yuan(5), yuan(123456), yuan(-50)], ['0.00', '0.05', '1,234.56', '-0.50']);
  assert.equal(yuan(9007199254740991), '90,071,992,547,409.91');
});

test('times are shown in the zone of the phone', () => {
  assert.equal(minute('2026-11-22T16:05:00Z'), '2026-11-23 00:05');
  assert.equal(day('2026-12-31T15:59:59Z'), '2026-12-31');
});

test('what is over at midnight was good through the day before', () => {
  assert.equal(lastDay('2026-11-28T16:00:00Z'), '2026-11-28');
  assert.equal(lastDay('2026-11-28T16:00:01Z'), '2026-11-29');
});

test('a date is not broken at its hyphens', () => {
  assert.equal(wholeDates('2026-11-20 to 2026-12-05, pour-over'), '2026-\u206011-\u206020 to 2026-\u206012-\u206005, pour-over');
});

test('a code is read aloud in fours', () => {
  assert.equal(inFours('90123456789012345678'), '9012 3456 7890 1234 5678');
});

test('unknown marks in a text stay as they are', () => {
  assert.equal(fill('{a} and {b}', { a: 1 }), '1 and {b}');
});
