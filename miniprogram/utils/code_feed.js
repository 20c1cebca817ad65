/** The code to show now: from the server, or from the stored pack when the network is away. */
const api = require('./api.js');
const { packFrom, pickCode, lastsMs, without, since, notYetValid } = require('./offline_pack.js');

/** @typedef {import('./offline_pack.js').Pack} Pack */
/** @typedef {{digits: string, showForMs: number, offline: boolean, packLastsMs: number}} Shown */

const PACK = 'code_pack';
const PACK_CODES = 20;
/** The refusal when every code of this minute is used or withdrawn; it says how long to wait. */
const USED_UP = 'codes_used_up';
/** With less than this in stock the pack is filled up again. */
const ENOUGH_MS = 5 * 60 * 1000;

/** @returns {Pack | null} */
const storedPack = () => wx.getStorageSync(PACK) || null;

/** @param {(pack: Pack) => Pack} change */
function changePack(change) {
  const pack = storedPack();
  if (!pack) return;
  const changed = change(pack);
  if (changed.codes.length !== pack.codes.length) wx.setStorageSync(PACK, changed);
}

/**
 * @param {{renew: boolean, showing: string}} ask renew: the code being shown must not be used any more
 * @returns {Promise<Shown | null>} null: no network and no stored code left
 */
async function nextCode({ renew, showing }) {
  try {
    const { code, refresh_in, valid_until } = await api.memberCode(renew);
    changePack((pack) => since(pack, valid_until));
    return { digits: code, showForMs: refresh_in * 1000, offline: false, packLastsMs: 0 };
  } catch (problem) {
    const refused = api.asApiError(problem);
    // A stored code would be one that the tills refuse.
    if (refused.code === USED_UP) changePack((pack) => notYetValid(pack, Date.now()));
    if (!isPassing(refused)) throw problem;
    const stored = fromPack(renew, showing);
    // Without a network the page says so itself; any other trouble has a text of its own.
    if (!stored && refused.code !== 'network') throw problem;
    return stored;
  }
}

/**
 * The code that the server would hand out now: another one than is being shown, once that was used at a till.
 * @param {string} showing
 * @returns {Promise<Shown | null>} null: it is still the same
 */
async function replaced(showing) {
  const { code, refresh_in, valid_until } = await api.memberCode(false);
  if (code === showing) return null;
  changePack((pack) => since(pack, valid_until));
  return { digits: code, showForMs: refresh_in * 1000, offline: false, packLastsMs: 0 };
}

/** Trouble that says nothing about the member: no answer, a server in difficulty, too many taps. */
/** @param {import('./http.js').ApiError} refused */
const isPassing = ({ code, status }) => code === 'network' || (status === 429 && code !== USED_UP) || status >= 500;

/** @param {boolean} renew @param {string} showing @returns {Shown | null} */
function fromPack(renew, showing) {
  if (renew) changePack((pack) => without(pack, showing));
  const picked = pickCode(storedPack(), Date.now());
  return picked && { digits: picked.code, offline: true, ...picked };
}

/** Fills the pack up while there is a network; a failure only means that it is tried again later. */
async function stockUp() {
  const pack = storedPack();
  if (pack && lastsMs(pack, Date.now()) > ENOUGH_MS) return;
  try {
    wx.setStorageSync(PACK, packFrom(await api.codePack(PACK_CODES), Date.now()));
  } catch (problem) {
    console.info('no stored codes for now:', api.asApiError(problem).code);
  }
}

module.exports = { nextCode, replaced, stockUp };
