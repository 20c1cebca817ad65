/**
 * Codes for a phone without a network: handed out ahead, each valid in its own window of the server's clock.
 * The phone's clock may be wrong, so the difference to the server's is kept with the pack.
 */

/**
 * @typedef {{code: string, from_ms: number, until_ms: number}} StoredCode
 * @typedef {{skew_ms: number, codes: StoredCode[]}} Pack skew is server time minus phone time
 * @typedef {{code: string, showForMs: number, packLastsMs: number}} Picked
 */

/**
 * @param {{server_time: string, codes: {code: string, valid_from: string, valid_until: string}[]}} answer
 * @param {number} phoneNowMs
 * @returns {Pack}
 */
function packFrom(answer, phoneNowMs) {
  return {
    skew_ms: Date.parse(answer.server_time) - phoneNowMs,
    codes: answer.codes.map(({ code, valid_from, valid_until }) => ({
      code,
      from_ms: Date.parse(valid_from),
      until_ms: Date.parse(valid_until),
    })),
  };
}

/**
 * The newest code valid now, shown until it ends or the next one begins; null when none is valid.
 * @param {Pack | null} pack
 * @param {number} phoneNowMs
 * @returns {Picked | null}
 */
function pickCode(pack, phoneNowMs) {
  if (!pack) return null;
  const now = phoneNowMs + pack.skew_ms;
  const valid = pack.codes.filter((one) => one.from_ms <= now && now < one.until_ms);
  if (valid.length === 0) return null;
  const newest = valid.reduce((best, one) => (one.from_ms > best.from_ms ? one : best));
  const turns = pack.codes.map((one) => one.from_ms).filter((from) => from > now);
  return {
    code: newest.code,
    showForMs: Math.min(newest.until_ms, ...turns) - now,
    packLastsMs: lastsMs(pack, phoneNowMs),
  };
}

/** @param {Pack} pack @param {number} phoneNowMs */
function lastsMs(pack, phoneNowMs) {
  const ends = Math.max(0, ...pack.codes.map((one) => one.until_ms));
  return Math.max(0, ends - phoneNowMs - pack.skew_ms);
}

/**
 * A code that was seen by others leaves the pack, and those before it: they are just as old or were shown earlier.
 * @param {Pack} pack
 * @param {string} code
 * @returns {Pack}
 */
function without(pack, code) {
  const seen = pack.codes.find((one) => one.code === code);
  return seen ? { ...pack, codes: pack.codes.filter((one) => one.from_ms > seen.from_ms) } : pack;
}

/**
 * The server has handed out a code: whatever ends before that one is used, withdrawn or over.
 * @param {Pack} pack
 * @param {string} validUntil end of the code handed out
 * @returns {Pack}
 */
function since(pack, validUntil) {
  const until = Date.parse(validUntil);
  return { ...pack, codes: pack.codes.filter((one) => one.until_ms >= until) };
}

/**
 * The server says that every code of now is used or withdrawn.
 * @param {Pack} pack
 * @param {number} phoneNowMs
 * @returns {Pack}
 */
function notYetValid(pack, phoneNowMs) {
  return { ...pack, codes: pack.codes.filter((one) => one.from_ms > phoneNowMs + pack.skew_ms) };
}

module.exports = { packFrom, pickCode, lastsMs, without, since, notYetValid };
