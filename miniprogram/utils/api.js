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
 * @typedef {{store: string, name: string}} Store
 * @typedef {{id: string, store: string, store_code: string, receipt_no: string, amount_fen: number, refunded_fen: number,
 *   points_earned: number, occurred_at: string, discount_fen: number, tenders: Tender[]}} Sale
 * @typedef {{id: string, store: string, amount_fen: number, stored_value_fen: number,
 *   points: number, points_fen: number, created_at: string,
 *   expires_at: string}} Asked
 * @typedef {{state: 'waiting' | 'paid' | 'ended', expires_at: string}} Followed
 * @typedef {{tier: {code: string, name: string}, valid_through: string | null,
 *   basis: 'spend' | 'visits' | 'growth' | null, amount: number,
 *   next: {tier: {code: string, name: string}, at_least: number, text: string} | null,
 *   keep: {at_least: number, amount: number, text: string} | null,
 *   benefits: {kind: string, phone_needed: boolean, text: string}[], text: string}} MyTier
 * @typedef {{principal_fen: number, bonus_fen: number, bonus_to_come_fen: number, ending_soon: {bonus_fen: number,
 *   until: string, earliest_at: string | null}}} Balance
 * @typedef {{id: string, part: string, amount_fen: number, after_fen: number, text: string, store: string | null,
 *   occurred_at: string, available_at: string | null, expires_at: string | null,
 *   valid_through: string | null}} BalanceEntry
 * @typedef {{offer_id: number, name: string, pay_fen: number, bonus_fen: number, points: number, first_only: boolean,
 *   bonus_parts: number, bonus_days: number | null, available: boolean}} Offer
 * @typedef {{payable: boolean, least_fen: number, most_fen: number, room_fen: number, items: Offer[],
 *   next_cursor: string | null}} Offers
 * @typedef {{id: string, name: string, about: string, kind: string, points: number, cash_fen: number,
 *   wechat_pay: boolean, full_points: number | null, full_cash_fen: number | null, available: boolean,
 *   reason: string | null, text: string | null, left: number | null, picture_url: string | null}} Reward
 * @typedef {{points_from: number, points_to: number | null}} Band
 * @typedef {{store: string, name: string, left: number | null}} RewardStore
 * @typedef {{item_id: string, store: string | null, points: number, cash_fen: number, pay_by?: 'wechat_pay'}} RewardWish
 * @typedef {{id: string, name: string, state: string, points: number, cash_fen: number, store_name: string | null,
 *   ordered_at: string, collect_by: string | null, undo_until: string | null, handed_over_at: string | null,
 *   cancelled_for: string | null, pay_until: string | null, money_back: string | null}} RewardOrder
 * @typedef {{id: string, when: string, points: number, template_id: string | null, seats_each: number, left: number,
 *   waiting: number, cancel_hours: number, booking_id: string | null, available: boolean, reason: string | null,
 *   text: string | null}} EventSession
 * @typedef {{id: string, title: string, about: string, notes: string, store_name: string,
 *   picture_url: string | null, sessions: EventSession[]}} ShopEvent
 * @typedef {{seats: number, points: number, template_id: string | null, wait: boolean}} SeatWish
 * @typedef {{id: string, title: string, when: string, state: string, seats: number, points: number, by_coupon: boolean,
 *   position: number | null, store_name: string, cancel_until: string, may_cancel_until: string | null,
 *   late_return_percent: number, cancelled_for: string | null, points_back: number, stars: number | null,
 *   feedback_until: string | null}} Booking
 * @typedef {{timeStamp: string, nonceStr: string, package: string, signType: 'RSA', paySign: string}} Payment
 * @typedef {{id: string, state: string}} TopUp
 * @typedef {{name: string, kind: 'amount' | 'percent' | 'free' | 'gift', effect: string, rules: string[], terms: string,
 *   at_least_fen: number, at_least_pieces: number, transferable: boolean, picture_url: string | null}} CouponFace
 * @typedef {CouponFace & {id: string, template_id: string, uses: number, uses_left: number, valid_from: string,
 *   valid_until: string, valid_through: string, ends_soon: boolean, usable: boolean, reason: string | null,
 *   reason_text: string | null, offered_until: string | null}} Coupon
 * @typedef {{id: string, kind: string, text: string, store: string | null, at: string}} CouponEvent
 * @typedef {CouponFace & {template_id: string, validity: string, uses: number, stock: number | null, left: number | null,
 *   per_member: number | null, per_member_a_day: number | null, had: number, claim_from: string | null,
 *   claim_until: string | null, claimable: boolean, reason: string | null, reason_text: string | null}} Claimable
 * @typedef {{id: string, name: string, valid_from: string, valid_until: string}} NewCoupon
 * @typedef {{points: number, coupons: number, chances: number}} Given
 * @typedef {{activity_id: string, name: string, today: string, month: string, days: {day: string, made_up: boolean}[],
 *   checked_in_today: boolean, streak: number, next_day: number, rewards: Given[], make_ups_left: number,
 *   make_up_points: number, make_up_from: string}} Calendar
 * @typedef {{prize_no: number, name: string, weight: number, stock: number | null, left: number | null,
 *   fallback: boolean}} Prize
 * @typedef {{id: string, round_no: number, starts_at: string, ends_at: string, commitment: string,
 *   seed: string | null}} Round
 * @typedef {{id: string, name: string, for_me: boolean, cost_points: number | null, chances_left: number,
 *   draws_left_today: number, prizes: Prize[], round: Round | null}} Lottery
 * @typedef {{id: string, round_no: number, draw_no: number, number: number, drawn: number, given: number,
 *   instead: string | null, name: string, client_seed: string, player: string, drawn_at: string}} OwnDraw
 * @typedef {Given & {text: string}} InviteReward
 * @typedef {{name: string, rule: string, code: string, path: string, inviter: InviteReward, newcomer: InviteReward,
 *   invited: number, pending: number, qualified: number, places_left: number, points_earned: number,
 *   coupons_earned: number}} Invite
 * @typedef {{id: string, name: string, state: string, state_text: string, joined_at: string, buy_until: string,
 *   points: number, coupons: number}} Friend
 * @typedef {{id: string, name: string, ends_at: string | null, anonymous: boolean, form_no: number, questions: number,
 *   reward: Given, reward_left: boolean, for_me: boolean, answered: boolean}} Survey
 * @typedef {{question_no: number, kind: 'single' | 'multiple' | 'stars' | 'nps' | 'text', title: string,
 *   required: boolean, choices: {value: number, label: string}[], at_least: number, at_most: number,
 *   most_chars: number | null}} SurveyQuestion
 * @typedef {{question: number, picks?: number[], text?: string}} SurveySaid
 * @typedef {Given & {reward: 'none' | 'given' | 'used_up'}} SurveyDone
 * @typedef {{id: string, category: string, state: 'open' | 'answered' | 'closed' | 'erased', store_name: string | null,
 *   first: string | null, messages: number, unread: number, last_at: string}} FeedbackThread
 * @typedef {{message_no: number, author: 'member' | 'staff', body: string | null, at: string}} FeedbackMessage
 * @typedef {{id: string, message_no: number}} FeedbackWritten
 * @typedef {{template_id: string, kind: 'receipt' | 'template', name: string}} WorthAsking
 * @typedef {{marketing: boolean, channels: {wechat_subscribe: boolean, official_account: boolean, sms: boolean,
 *   email: boolean}, personalised: boolean, quiet_from: string | null, quiet_until: string}} NoticePreferences
 * @typedef {{sku: string, name: string, because: {kind: 'bought_with' | 'best_seller', name: string | null,
 *   text: string}}} Recommendation
 * @typedef {{personalised: boolean, items: Recommendation[]}} Recommendations
 * @typedef {{email: string, confirmed: boolean}} Email
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
 * What comes after the member has signed out is neither shown nor kept on the phone.
 * @param {Call} request
 * @returns {Promise<any>}
 */
async function call(request) {
  const answer = await callAsMember(request);
  if (session.signedOut()) throw new ApiError(0, 'signed_out', '');
  return answer;
}

/** @param {Call} call @returns {Promise<any>} */
async function callAsMember({ keyed, ...request }) {
  const key = keyed ? await newKey() : request.key;
  await session.ensureSignedIn();
  const token = session.token();
  try {
    return await send({ ...request, key, token });
  } catch (problem) {
    if (asApiError(problem).status !== 401) throw problem;
    // Of several calls that were refused, one signs in again for all.
    if (session.token() === token) session.forgetToken();
    await session.ensureSignedIn();
    return send({ ...request, key, token: session.token() });
  }
}

/** @param {string} path @param {string | null} cursor @param {string} [more] of the query */
function pageOf(path, cursor, more = '') {
  const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
  return call({ path: `${path}?limit=20${more}${after}` });
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
 * @param {Partial<Pick<Member, 'name' | 'birthday' | 'language'>>} changes
 * @returns {Promise<Member>}
 */
async function changeMe(changes) {
  const member = await call({ path: '/api/v1/me', method: 'POST', data: changes });
  session.rememberMember(member);
  return member;
}

/** Masked; none is no fault. @returns {Promise<Email | null>} */
const email = () =>
  call({ path: '/api/v1/me/email' }).catch((problem) => {
    if (asApiError(problem).status !== 404) throw problem;
    return null;
  });

/** A code is sent there. @param {string} address @returns {Promise<Email>} */
const giveEmail = (address) => call({ path: '/api/v1/me/email', method: 'POST', data: { email: address } });

/** @param {string} code @returns {Promise<Email>} */
const confirmEmail = (code) => call({ path: '/api/v1/me/email/confirm', method: 'POST', data: { code } });

/** @returns {Promise<null>} */
const removeEmail = () => call({ path: '/api/v1/me/email', method: 'DELETE' }).then(() => null);

/** @returns {Promise<NoticePreferences>} */
const noticePreferences = () => call({ path: '/api/v1/me/message-preferences' });

/**
 * Whole, as they stand on the page.
 * @param {Pick<NoticePreferences, 'marketing' | 'channels' | 'personalised'>} wanted
 * @returns {Promise<NoticePreferences>}
 */
const changeNoticePreferences = (wanted) =>
  call({ path: '/api/v1/me/message-preferences', method: 'PUT', data: wanted });

/** @returns {Promise<Recommendations>} */
const recommendations = () => call({ path: '/api/v1/me/recommendations' });

/** @param {string} at the moment @returns {Promise<{items: WorthAsking[]}>} for one call of wx.requestSubscribeMessage */
const worthAsking = (at) => call({ path: `/api/v1/me/subscriptions/ask?at=${at}` });

/** @param {{template_id: string, outcome: string}[]} results what wx.requestSubscribeMessage answered */
const reportAsked = (results) =>
  call({ path: '/api/v1/me/subscriptions', method: 'POST', keyed: true, data: { results } });

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

/** Of one coupon, for a till that shall learn of nothing else. @param {string} id @returns {Promise<MemberCode>} */
const couponCode = (id) => call({ path: `/api/v1/coupons/${id}/code`, method: 'POST', timeoutMs: 4000 });

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

/** @param {boolean} affordable @param {Band | null} band @param {string | null} cursor @returns {Promise<Page<Reward>>} */
function rewards(affordable, band, cursor) {
  const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
  const to = band && band.points_to !== null ? `&points_to=${band.points_to}` : '';
  const within = band ? `&points_from=${band.points_from}${to}` : '';
  return call({ path: `/api/v1/rewards?limit=20&affordable=${affordable ? 'yes' : 'no'}${within}${after}` });
}

/** By what prices the mall can be narrowed; none: they all lie together. @returns {Promise<{bands: Band[]}>} */
const rewardBands = () => call({ path: '/api/v1/rewards/bands' });

/** @param {string} id @returns {Promise<Reward & {stores: RewardStore[]}>} */
const reward = (id) => call({ path: `/api/v1/rewards/${id}` });

/** With the same key it is the same exchange. */
/** @param {RewardWish} wish @param {string} key @returns {Promise<RewardOrder>} */
const exchange = (wish, key) => call({ path: '/api/v1/reward-orders', method: 'POST', key, data: wish });

/** @param {string | null} cursor @returns {Promise<Page<RewardOrder>>} */
const rewardOrders = (cursor) => pageOf('/api/v1/reward-orders', cursor);

/** @param {string} id @returns {Promise<RewardOrder>} */
const rewardOrder = (id) => call({ path: `/api/v1/reward-orders/${id}` });

/** As often as wanted. */
/** @param {string} id @returns {Promise<{id: string, payment: Payment}>} */
const rewardPayment = (id) => call({ path: `/api/v1/reward-orders/${id}/payment`, method: 'POST' });

/** @param {string} id @returns {Promise<RewardOrder>} */
const giveUpReward = (id) => call({ path: `/api/v1/reward-orders/${id}/cancel`, method: 'POST', keyed: true });

/** @param {boolean} forPoints only what points pay for @param {string | null} cursor @returns {Promise<Page<ShopEvent>>} */
const events = (forPoints, cursor) => pageOf('/api/v1/events', cursor, forPoints ? '&for_points=yes' : '');

/** @param {string} id @returns {Promise<ShopEvent>} */
const event = (id) => call({ path: `/api/v1/events/${id}` });

/** With the same key it is the same booking. */
/** @param {string} sessionId @param {SeatWish} wish @param {string} key @returns {Promise<Booking>} */
const bookSeats = (sessionId, wish, key) =>
  call({ path: `/api/v1/events/sessions/${sessionId}/bookings`, method: 'POST', key, data: wish });

/** @param {string | null} cursor @returns {Promise<Page<Booking>>} */
const bookings = (cursor) => pageOf('/api/v1/bookings', cursor);

/** @param {string} id @returns {Promise<Booking>} */
const giveUpSeats = (id) => call({ path: `/api/v1/bookings/${id}/cancel`, method: 'POST', keyed: true });

/** @param {string} id @param {number} stars @param {string} comment @returns {Promise<Booking>} */
const sayHowItWas = (id, stars, comment) =>
  call({ path: `/api/v1/bookings/${id}/feedback`, method: 'POST', data: { stars, comment } });

/** With `store` each says why it cannot be used there. */
/** @param {'usable' | 'used' | 'ended'} state @param {string | null} store @param {string | null} cursor @returns {Promise<Page<Coupon>>} */
const coupons = (state, store, cursor) =>
  pageOf('/api/v1/coupons', cursor, `&state=${state}${store ? `&store=${encodeURIComponent(store)}` : ''}`);

/** @param {string} id @param {string | null} store @returns {Promise<Coupon & {events: CouponEvent[]}>} */
const coupon = (id, store) =>
  call({ path: `/api/v1/coupons/${id}${store ? `?store=${encodeURIComponent(store)}` : ''}` });

/** @param {string | null} cursor @returns {Promise<Page<Claimable>>} */
const couponCentre = (cursor) => pageOf('/api/v1/coupon-centre', cursor);

/** What a link leads to; an empty page if it leads to nothing. */
/** @param {string} claimKey @returns {Promise<Page<Claimable>>} */
const couponOfLink = (claimKey) => pageOf('/api/v1/coupon-centre', null, `&claim_key=${encodeURIComponent(claimKey)}`);

/** @param {{template_id: string} | {claim_key: string}} which @returns {Promise<NewCoupon>} */
const claimCoupon = (which) => call({ path: '/api/v1/coupons', method: 'POST', keyed: true, data: which });

/** @param {string} id @returns {Promise<{secret: string, expires_at: string}>} */
const offerCoupon = (id) => call({ path: `/api/v1/coupons/${id}/offer`, method: 'POST' });

/** @param {string} id */
const takeOfferBack = (id) => call({ path: `/api/v1/coupons/${id}/offer`, method: 'DELETE' });

/** @param {string} secret @returns {Promise<NewCoupon>} */
const takeCoupon = (secret) => call({ path: '/api/v1/coupon-offers/take', method: 'POST', keyed: true, data: { secret } });

/** @param {string | null} cursor @returns {Promise<Page<Message>>} */
const messages = (cursor) => pageOf('/api/v1/me/messages', cursor);

/** @param {string} id */
const campaignOpened = (id) => call({ path: `/api/v1/me/campaigns/${id}/opened`, method: 'POST' });
/** @param {string} no */
const automationOpened = (no) => call({ path: `/api/v1/me/automations/${no}/opened`, method: 'POST' });
/** @param {string} id */
const readMessage = (id) => call({ path: `/api/v1/me/messages/${id}/read`, method: 'POST' });

/** @param {string | null} month its first day; null: this one @returns {Promise<Calendar>} */
const checkIns = (month) => call({ path: `/api/v1/check-ins${month ? `?month=${month}` : ''}` });

/** @param {string} activityId @returns {Promise<Given & {streak: number}>} */
const checkIn = (activityId) =>
  call({ path: '/api/v1/check-ins', method: 'POST', keyed: true, data: { activity_id: activityId } });

/** @param {string} activityId @param {string} day */
const makeUp = (activityId, day) =>
  call({ path: '/api/v1/check-ins/make-up', method: 'POST', keyed: true, data: { activity_id: activityId, day } });

/** Lotteries that are on. @returns {Promise<Page<Lottery>>} */
const lotteries = () => call({ path: '/api/v1/lotteries?limit=100' });

/** What the member throws in themselves is drawn by their own phone. */
/** @param {string} id @param {'points' | 'chance'} payment @returns {Promise<OwnDraw & Given>} */
async function drawLottery(id, payment) {
  const clientSeed = (await newKey()).replace(/[^0-9A-Za-z]/g, '').slice(0, 32);
  const data = { payment, client_seed: clientSeed };
  return call({ path: `/api/v1/lotteries/${id}/draws`, method: 'POST', keyed: true, data });
}

/** @param {string} id @param {string | null} cursor @returns {Promise<Page<OwnDraw>>} */
const ownDraws = (id, cursor) => pageOf(`/api/v1/lotteries/${id}/draws`, cursor);

/** @param {string} id @param {string | null} cursor @returns {Promise<Page<Round>>} */
const lotteryRounds = (id, cursor) => pageOf(`/api/v1/lotteries/${id}/rounds`, cursor);

/** @returns {Promise<Invite>} */
const invite = () => call({ path: '/api/v1/me/invite' });

const PICTURE = 'invite_picture';

/** Drawn once for each phone: the code never changes. @param {string} code @returns {Promise<string>} */
async function invitePicture(code) {
  const kept = wx.getStorageSync(PICTURE);
  if (kept && kept.code === code) return kept.picture;
  const picture = await call({ path: '/api/v1/me/invite/picture', picture: true });
  wx.setStorageSync(PICTURE, { code, picture });
  return picture;
}

/** @param {string | null} cursor @returns {Promise<Page<Friend>>} */
const friends = (cursor) => pageOf('/api/v1/me/invite/friends', cursor);
/** @param {string | null} cursor @returns {Promise<Page<Survey>>} */
const surveys = (cursor) => pageOf('/api/v1/surveys', cursor);

/** @param {string} id @returns {Promise<Survey & {asks: SurveyQuestion[]}>} */
const survey = (id) => call({ path: `/api/v1/surveys/${id}` });

/** With the same key it is the same answer. */
/** @param {string} id @param {{form_no: number, answers: SurveySaid[]}} data @param {string} key @returns {Promise<SurveyDone>} */
const answerSurvey = (id, data, key) => call({ path: `/api/v1/surveys/${id}/answer`, method: 'POST', key, data });

/** Those that are open for business. @param {string | null} cursor @returns {Promise<Page<Store>>} */
const stores = (cursor) => pageOf('/api/v1/stores', cursor);

/** @param {string | null} cursor @returns {Promise<Page<FeedbackThread>>} */
const feedback = (cursor) => pageOf('/api/v1/feedback', cursor);

/** @param {string} id @returns {Promise<FeedbackThread>} */
const feedbackThread = (id) => call({ path: `/api/v1/feedback/${id}` });

/** @param {string} id @param {string | null} cursor @returns {Promise<Page<FeedbackMessage>>} */
const feedbackMessages = (id, cursor) => pageOf(`/api/v1/feedback/${id}/messages`, cursor);

/** With the same key it is the same thread. */
/** @param {{category: string, body: string, sale: string | null, store: string | null}} data @param {string} key @returns {Promise<FeedbackWritten>} */
const openFeedback = (data, key) => call({ path: '/api/v1/feedback', method: 'POST', key, data });

/** @param {string} id @param {string} body @param {string} key @returns {Promise<FeedbackWritten>} */
const addFeedback = (id, body, key) =>
  call({ path: `/api/v1/feedback/${id}/messages`, method: 'POST', key, data: { body } });

/** @param {string} id */
const readFeedback = (id) => call({ path: `/api/v1/feedback/${id}/read`, method: 'POST' });

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
  email,
  giveEmail,
  confirmEmail,
  removeEmail,
  noticePreferences,
  changeNoticePreferences,
  recommendations,
  worthAsking,
  reportAsked,
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
  rewards,
  rewardBands,
  reward,
  exchange,
  rewardOrders,
  rewardOrder,
  rewardPayment,
  giveUpReward,
  events,
  event,
  bookSeats,
  bookings,
  giveUpSeats,
  sayHowItWas,
  coupons,
  coupon,
  couponCode,
  couponCentre,
  couponOfLink,
  claimCoupon,
  offerCoupon,
  takeOfferBack,
  takeCoupon,
  messages,
  automationOpened,
  campaignOpened,
  readMessage,
  checkIns,
  checkIn,
  makeUp,
  lotteries,
  drawLottery,
  ownDraws,
  lotteryRounds,
  invite,
  invitePicture,
  friends,
  surveys,
  survey,
  answerSurvey,
  stores,
  feedback,
  feedbackThread,
  feedbackMessages,
  openFeedback,
  addFeedback,
  readFeedback,
};
