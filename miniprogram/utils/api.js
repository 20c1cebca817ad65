/** The member center's API, one function a route. Signing in, and again after a lapsed token, is done here. */
const { send, ApiError, asApiError } = require('./http.js');
const { newKey } = require('./random_key.js');
const session = require('./session.js');

/**
 * @typedef {import('./session.js').Member} Member
 * @typedef {{code: string, server_time: string, valid_until: string, refresh_in: number}} MemberCode
 * @typedef {{code: string, valid_from: string, valid_until: string}} PackCode
 * @typedef {{points: number, owed: number, pending: {points: number, earliest_at: string | null}, expiring_soon: {points: number, until: string,
 *   earliest_at: string | null}}} Points
 * @typedef {{id: string, points: number, balance_after: number, reason: string, text: string,
 *   store: string | null, occurred_at: string, expires_at: string | null,
 *   available_at: string | null, valid_through: string | null}} PointsEntry
 * @typedef {{id: string, kind: string, title: string, body: string, created_at: string, read: boolean}} Message
 * @typedef {{kind: string, amount_fen: number, points: number}} Tender
 * @typedef {{id: string, store: string, receipt_no: string, amount_fen: number, refunded_fen: number,
 *   points_earned: number, occurred_at: string, discount_fen: number, tenders: Tender[]}} Sale
 * @typedef {{id: string, store: string, amount_fen: number, stored_value_fen: number, created_at: string,
 *   expires_at: string}} Asked
 * @typedef {{state: 'waiting' | 'paid' | 'ended', expires_at: string}} Followed
 * @typedef {{tier: {code: string, name: string}, valid_through: string | null,
 *   basis: 'spend' | 'visits' | 'growth' | null, amount: number,
 *   next: {tier: {code: string, name: string}, at_least: number, text: string} | null,
 *   keep: {at_least: number, amount: number, text: string} | null,
 *   benefits: {kind: string, text: string}[], text: string}} MyTier
 * @typedef {{principal_fen: number, bonus_fen: number, bonus_to_come_fen: number, ending_soon: {bonus_fen: number,
 *   until: string, earliest_at: string | null}}} Balance
 * @typedef {{id: string, part: string, amount_fen: number, after_fen: number, text: string, store: string | null,
 *   occurred_at: string, available_at: string | null, expires_at: string | null,
 *   valid_through: string | null}} BalanceEntry
 * @typedef {{offer_id: number, name: string, pay_fen: number, bonus_fen: number, points: number, first_only: boolean,
 *   bonus_parts: number, bonus_days: number | null, available: boolean}} Offer
 * @typedef {{payable: boolean, least_fen: number, most_fen: number, room_fen: number, items: Offer[],
 *   next_cursor: string | null}} Offers
 * @typedef {{timeStamp: string, nonceStr: string, package: string, signType: 'RSA', paySign: string}} Payment
 * @typedef {{id: string, state: string}} TopUp
 * @typedef {{brand: string, policy_version: string, policy_url: string | null,
 *   subscribe_templates: {kind: string, template_id: string}[]}} Config
 */
/**
 * @template T
 * @typedef {{items: T[], next_cursor: string | null}} Page
 */

/** @typedef {import('./http.js').Send & {keyed?: boolean}} Call */

/**
 * Calls as the member. If the token has lapsed, signs in again and repeats the very same call, same key included.
 * @param {Call} call
 * @returns {Promise<any>}
 */
async function call({ keyed, ...request }) {
  const key = keyed ? await newKey() : undefined;
  await session.ensureSignedIn();
  try {
    return await send({ ...request, key, token: session.token() });
  } catch (problem) {
    if (asApiError(problem).status !== 401) throw problem;
    session.forgetToken();
    await session.ensureSignedIn();
    return send({ ...request, key, token: session.token() });
  }
}

/** @param {string} path @param {string | null} cursor */
function pageOf(path, cursor) {
  const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
  return call({ path: `${path}?limit=20${after}` });
}

/** @type {Promise<Config> | null} asked once, and again after a failure */
let configAsked = null;

/** @returns {Promise<Config>} */
function config() {
  configAsked =
    configAsked ||
    send({ path: '/api/v1/config' }).catch((problem) => {
      configAsked = null;
      throw problem;
    });
  return configAsked;
}

/** @returns {Promise<Member>} */
async function me() {
  const member = await call({ path: '/api/v1/me' });
  session.rememberMember(member);
  return member;
}

/**
 * POST, because `wx.request` has no PATCH.
 * @param {Partial<Pick<Member, 'name' | 'birthday' | 'language' | 'marketing_opt_out'>>} changes
 * @returns {Promise<Member>}
 */
async function changeMe(changes) {
  const member = await call({ path: '/api/v1/me', method: 'POST', data: changes });
  session.rememberMember(member);
  return member;
}

/** @param {string} code from the getPhoneNumber button @returns {Promise<{phone: string}>} */
const bindPhone = (code) => call({ path: '/api/v1/me/phone', method: 'POST', keyed: true, data: { code } });

/**
 * Agrees to a newer policy. Refused with `policy_not_current` if there is a newer one still.
 * @param {string} policyVersion
 */
const agreeToPolicy = (policyVersion) =>
  call({ path: '/api/v1/me/consent', method: 'POST', data: { policy_version: policyVersion } });

/** Short time-out: with a stored code at hand, waiting helps nobody at the till. */
/** @param {boolean} renew hand out an unused code @returns {Promise<MemberCode>} */
const memberCode = (renew) =>
  call({ path: '/api/v1/me/code', method: 'POST', data: renew ? { renew } : {}, timeoutMs: 4000 });

/** @param {number} count @returns {Promise<{server_time: string, codes: PackCode[]}>} */
const codePack = (count) => call({ path: '/api/v1/me/code/pack', method: 'POST', data: { count } });

/** @returns {Promise<Points>} */
const points = () => call({ path: '/api/v1/me/points' });

/** @returns {Promise<MyTier>} `text` is the one line to show; it may be empty */
const tier = () => call({ path: '/api/v1/me/tier' });

/** @param {string | null} cursor @returns {Promise<Page<PointsEntry>>} */
const pointsEntries = (cursor) => pageOf('/api/v1/me/points/entries', cursor);

/** @returns {Promise<Balance>} */
const balance = () => call({ path: '/api/v1/me/balance' });

/** @param {string | null} cursor @returns {Promise<Page<BalanceEntry>>} */
const balanceEntries = (cursor) => pageOf('/api/v1/me/balance/entries', cursor);

/** All of them, a hundred at a time. @returns {Promise<Offers>} */
async function topUpOffers() {
  const path = '/api/v1/me/topups/offers?limit=100';
  const all = await call({ path });
  for (let next = all.next_cursor; next; ) {
    const more = await call({ path: `${path}&cursor=${encodeURIComponent(next)}` });
    all.items.push(...more.items);
    next = more.next_cursor;
  }
  return all;
}

/** @param {number} amountFen @param {number | null} offerId @returns {Promise<{id: string, payment: Payment}>} */
const orderTopUp = (amountFen, offerId) =>
  call({ path: '/api/v1/me/topups', method: 'POST', keyed: true, data: { amount_fen: amountFen, offer_id: offerId } });

/** @param {string} id @returns {Promise<TopUp>} */
const topUp = (id) => call({ path: `/api/v1/me/topups/${id}` });

/** @param {string} id @returns {Promise<TopUp>} */
const closeTopUp = (id) => call({ path: `/api/v1/me/topups/${id}/close`, method: 'POST' });

/** @returns {Promise<{items: Asked[]}>} newest first */
const confirmations = () => call({ path: '/api/v1/me/confirmations', timeoutMs: 4000 });

/** The same word again changes nothing. */
/** @param {string} id @param {boolean} agree @returns {Promise<{confirmation: 'confirmed' | 'declined'}>} */
const confirm = (id, agree) => call({ path: `/api/v1/me/confirmations/${id}`, method: 'POST', data: { agree } });

/** What became of a question that was answered. @param {string} id @returns {Promise<Followed>} */
const confirmation = (id) => call({ path: `/api/v1/me/confirmations/${id}`, timeoutMs: 4000 });

/** @param {string | null} cursor @returns {Promise<Page<Sale>>} */
const sales = (cursor) => pageOf('/api/v1/me/sales', cursor);

/** @param {string | null} cursor @returns {Promise<Page<Message>>} */
const messages = (cursor) => pageOf('/api/v1/me/messages', cursor);

/** @param {string} id */
const readMessage = (id) => call({ path: `/api/v1/me/messages/${id}/read`, method: 'POST' });

/** Refusals that mean "nobody is signed in", which a page shows as an invitation and not as an error. */
/** @param {unknown} problem */
const isGuest = (problem) => ['signed_out', 'consent_required'].includes(asApiError(problem).code);

module.exports = {
  ApiError,
  asApiError,
  isGuest,
  config,
  me,
  changeMe,
  bindPhone,
  agreeToPolicy,
  memberCode,
  codePack,
  points,
  tier,
  pointsEntries,
  balance,
  balanceEntries,
  topUpOffers,
  orderTopUp,
  topUp,
  closeTopUp,
  confirmations,
  confirm,
  confirmation,
  sales,
  messages,
  readMessage,
};
