/**
 * A black and white picture as a PNG data URL. PNG with one bit a pixel and stored (uncompressed) blocks needs
 * no canvas and no library, and `<image>` shows it on every phone.
 */
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const BLOCK_BYTES = 65535;

/** @param {number} n */
const bigEndian = (n) => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

/** @param {number[]} bytes */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** @param {number[]} bytes */
function adler32(bytes) {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/** zlib stream of stored blocks (RFC 1950, RFC 1951). @param {number[]} bytes */
function stored(bytes) {
  const out = [0x78, 0x01];
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    const block = bytes.slice(from, from + BLOCK_BYTES);
    const last = from + BLOCK_BYTES >= bytes.length ? 1 : 0;
    const size = block.length;
    out.push(last, size & 255, size >> 8, ~size & 255, (~size >> 8) & 255);
    for (const byte of block) out.push(byte);
  }
  return out.concat(bigEndian(adler32(bytes)));
}

/** @param {string} name @param {number[]} body */
function chunk(name, body) {
  const named = [...name].map((letter) => letter.charCodeAt(0)).concat(body);
  return [...bigEndian(body.length), ...named, ...bigEndian(crc32(named))];
}

/** @param {number[]} bytes */
function base64(bytes) {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
    const letters = [three >> 18, (three >> 12) & 63, (three >> 6) & 63, three & 63].map((n) => BASE64[n]);
    const kept = Math.min(4, bytes.length - i + 1);
    out += letters.slice(0, kept).join('').padEnd(4, '=');
  }
  return out;
}

/** One scan line: filter byte 0, then the pixels, most significant bit first, 1 for white. */
/** @param {boolean[]} row true for black */
function scanLine(row) {
  const line = [0];
  for (let x = 0; x < row.length; x += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit += 1) byte = (byte << 1) | (row[x + bit] ? 0 : 1);
    line.push(byte);
  }
  return line;
}

/**
 * @param {boolean[][]} rows true for black, all rows equally long
 * @returns {string} `data:image/png;base64,…`
 */
function pngDataUrl(rows) {
  const header = [...bigEndian(rows[0].length), ...bigEndian(rows.length), 1, 0, 0, 0, 0];
  /** @type {number[]} */
  const pixels = [];
  for (const row of rows) pixels.push(...scanLine(row));
  const file = [...SIGNATURE, ...chunk('IHDR', header), ...chunk('IDAT', stored(pixels)), ...chunk('IEND', [])];
  return `data:image/png;base64,${base64(file)}`;
}

module.exports = { pngDataUrl };
