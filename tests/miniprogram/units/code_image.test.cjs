const test = require('node:test');
const assert = require('node:assert/strict');
const zlib = require('node:zlib');
const { code128 } = require('../../../miniprogram/utils/code128.js');
const { pngDataUrl } = require('../../../miniprogram/utils/png.js');

test('20 digits make 145 modules that begin and end with a bar', () => {
  const modules = code128('90123456789012345678');
  assert.equal(modules.length, 145);
  assert.ok(modules[0] && modules[144]);
});

test('an odd number of digits, or anything else, is refused', () => {
  for (const text of ['', '1', '123', '12a4']) assert.throws(() => code128(text), RangeError);
});

test('a picture is a well-formed PNG of one bit a pixel', () => {
  const url = pngDataUrl([
    [true, false, true, false, true, false, true, false, true],
    new Array(9).fill(true),
  ]);
  const file = Buffer.from(url.replace('data:image/png;base64,', ''), 'base64');
  assert.equal(file.toString('latin1', 1, 4), 'PNG');
  assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20), file[24]], [9, 2, 1]);
  const size = file.readUInt32BE(33);
  const pixels = zlib.inflateSync(file.subarray(41, 41 + size));
  assert.deepEqual([...pixels], [0, 0b01010101, 0b01111111, 0, 0, 0b01111111]);
});

test('a picture larger than one stored block is still whole', () => {
  const row = new Array(1000).fill(false);
  const url = pngDataUrl(new Array(700).fill(row));
  const file = Buffer.from(url.replace('data:image/png;base64,', ''), 'base64');
  const size = file.readUInt32BE(33);
  assert.equal(zlib.inflateSync(file.subarray(41, 41 + size)).length, 700 * 126);
});
