const test = require('node:test');
const assert = require('node:assert/strict');
const { packFrom, pickCode, lastsMs, without, since, notYetValid } = require('../../../miniprogram/utils/offline_pack.js');

const T0 = Date.parse('2026-11-22T08:00:00Z');
const at = (seconds) => new Date(T0 + seconds * 1000).toISOString();

/** Three codes, each valid for 60 s, a new one every 30 s. */
const answer = {
  server_time: at(0),
  codes: [0, 1, 2].map((n) => ({ code: `c${n}`, valid_from: at(30 * n), valid_until: at(30 * n + 60) })),
};

test('the newest valid code is shown until the next begins', () => {
  const pack = packFrom(answer, T0);
  assert.deepEqual(pickCode(pack, T0 + 10_000), { code: 'c0', showForMs: 20_000, packLastsMs: 110_000 });
  assert.equal(pickCode(pack, T0 + 30_000).code, 'c1');
  assert.equal(pickCode(pack, T0 + 60_000).code, 'c2');
});

test('the last code is shown until it ends, and then none', () => {
  const pack = packFrom(answer, T0);
  assert.equal(pickCode(pack, T0 + 100_000).showForMs, 20_000);
  assert.equal(pickCode(pack, T0 + 120_000), null);
  assert.equal(lastsMs(pack, T0 + 130_000), 0);
});

test('a phone whose clock is ten minutes slow shows the same codes', () => {
  const slow = T0 - 600_000;
  assert.equal(pickCode(packFrom(answer, slow), slow + 35_000).code, 'c1');
});

test('a code seen by others is not shown again, nor one before it', () => {
  const pack = without(packFrom(answer, T0), 'c1');
  assert.equal(pickCode(pack, T0 + 40_000), null);
  assert.equal(pickCode(pack, T0 + 60_000).code, 'c2');
});

test('a code that is not in the pack takes none away', () => {
  assert.equal(without(packFrom(answer, T0), 'other').codes.length, 3);
});

test('what is older than the code the server handed out leaves the pack', () => {
  const left = since(packFrom(answer, T0), answer.codes[1].valid_until);
  assert.deepEqual(
    left.codes.map((one) => one.code),
    ['c1', 'c2'],
  );
});

test('when all codes of now are used up, those to come are left, by the clock of the server', () => {
  const slow = T0 - 600_000;
  const left = notYetValid(packFrom(answer, slow), slow + 30_000);
  assert.deepEqual(
    left.codes.map((one) => one.code),
    ['c2'],
  );
});

test('without a pack there is no code', () => {
  assert.equal(pickCode(null, T0), null);
});
