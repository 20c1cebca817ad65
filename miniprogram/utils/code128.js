/**
 * Code 128, code set C (two digits a symbol), as ISO/IEC 15417 lays it down: start C, the digit pairs,
 * a weighted check symbol modulo 103, stop. Each symbol is six bar and space widths that sum to 11 modules.
 */
const WIDTHS = (
  '212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 ' +
  '113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 ' +
  '212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 ' +
  '113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 ' +
  '314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 ' +
  '241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 ' +
  '214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 ' +
  '211232 2331112'
).split(' ');
const START_C = 105;
const STOP = 106;

/** @param {string} digits an even number of digits */
function symbols(digits) {
  if (!/^(\d\d)+$/.test(digits)) throw new RangeError('Code 128-C takes an even number of digits');
  const pairs = (digits.match(/\d\d/g) || []).map(Number);
  const check = pairs.reduce((sum, value, index) => sum + value * (index + 1), START_C) % 103;
  return [START_C, ...pairs, check, STOP];
}

/**
 * The bar code as modules from left to right, true for a bar. 20 digits make 145 modules; the quiet zone of
 * 10 modules on each side is the drawer's business.
 * @param {string} digits
 * @returns {boolean[]}
 */
function code128(digits) {
  /** @type {boolean[]} */
  const modules = [];
  for (const symbol of symbols(digits)) {
    [...WIDTHS[symbol]].forEach((width, index) => {
      for (let i = 0; i < Number(width); i += 1) modules.push(index % 2 === 0);
    });
  }
  return modules;
}

module.exports = { code128 };
