/** The member code as two pictures of the same 20 digits: QR for cameras, Code 128 for laser scanners. */
const qrcode = require('../vendor/qrcode-generator/qrcode.js');
const { code128 } = require('./code128.js');
const { pngDataUrl } = require('./png.js');

const QR_QUIET_MODULES = 4;
const QR_MODULE_PX = 8;
const BAR_QUIET_MODULES = 10;
const BAR_MODULE_PX = 4;
const BAR_HEIGHT_PX = 120;

/** @param {boolean[]} row @param {number} times */
const widen = (row, times) => row.flatMap((dark) => new Array(times).fill(dark));

/** @param {string} digits 20 digits in numeric mode fit version 1 at level Q, the fewest and largest modules */
function qrImage(digits) {
  const qr = qrcode(0, 'Q');
  qr.addData(digits, 'Numeric');
  qr.make();
  const inner = qr.getModuleCount();
  const size = inner + 2 * QR_QUIET_MODULES;
  const rows = [];
  for (let y = 0; y < size; y += 1) {
    const row = [];
    for (let x = 0; x < size; x += 1) {
      const [r, c] = [y - QR_QUIET_MODULES, x - QR_QUIET_MODULES];
      row.push(r >= 0 && c >= 0 && r < inner && c < inner && qr.isDark(r, c));
    }
    const line = widen(row, QR_MODULE_PX);
    for (let i = 0; i < QR_MODULE_PX; i += 1) rows.push(line);
  }
  return pngDataUrl(rows);
}

/** @param {string} digits */
function barImage(digits) {
  const quiet = new Array(BAR_QUIET_MODULES).fill(false);
  const line = widen([...quiet, ...code128(digits), ...quiet], BAR_MODULE_PX);
  return pngDataUrl(new Array(BAR_HEIGHT_PX).fill(line));
}

module.exports = { qrImage, barImage };
