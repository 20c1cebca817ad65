/**
 * Who is signed in. The token and the last known member stay in the phone's storage, so that the card and the
 * stored codes can be shown without a network.
 */
const { send, ApiError, asApiError } = require('./http.js');
const { newKey } = require('./random_key.js');
const invite = require('./invite.js');
const { texts } = require('../i18n/index.js');

/**
 * @typedef {object} Member
 * @property {string} member_no
 * @property {string} name
 * @property {'zh' | 'en'} language
 * @property {string | null} birthday
 * @property {boolean} marketing_opt_out
 * @property {string | null} phone masked
 * @property {{code: string, name: string}} tier
 * @property {number} points
 * @property {number} balance_fen
 * @property {string} joined_on
 * @property {{store: string, name: string} | null} home_store
 */

const TOKEN = 'token';
const MEMBER = 'member';
const SIGNED_OUT = 'signed_out';
const PACK = 'code_pack';
/** Of the member's own invite (utils/api.js). */
const PICTURE = 'invite_picture';
/** Where coupons are to be used (utils/coupon_store.js). */
const STORE = 'coupon_store';

/** The login code whose owner still has to agree, and to which version of the policy. */
let awaitingConsent = { code: '', policyVersion: '' };
/** @type {Promise<void> | null} one sign-in at a time, however many pages ask */
let signingIn = null;

/** @returns {string} */
const token = () => wx.getStorageSync(TOKEN) || '';
/** @returns {Member | null} */
const knownMember = () => wx.getStorageSync(MEMBER) || null;
/** @param {Member} member */
const rememberMember = (member) => wx.setStorageSync(MEMBER, member);
const forgetToken = () => wx.removeStorageSync(TOKEN);
/** @returns {boolean} */
const signedOut = () => Boolean(wx.getStorageSync(SIGNED_OUT));

/** @returns {Promise<string>} */
function loginCode() {
  return new Promise((resolve, reject) => {
    wx.login({
      success: ({ code }) => resolve(code),
      fail: () => reject(new ApiError(0, 'network', texts().networkError)),
    });
  });
}

/**
 * @param {string} code
 * @param {string} [policyVersion] the version just agreed to
 * @returns {Promise<boolean>} whether the member has agreed to the policy as it is now
 */
async function postLogin(code, policyVersion) {
  const consent = policyVersion ? { consent: { policy_version: policyVersion } } : {};
  const came = invite.heard() ? { invite: invite.heard() } : {};
  const answer = await send({
    path: '/api/v1/login',
    method: 'POST',
    key: await newKey(),
    data: { provider: 'wechat_mini', code, ...consent, ...came },
  });
  wx.setStorageSync(TOKEN, answer.token);
  wx.removeStorageSync(SIGNED_OUT);
  invite.forget();
  rememberMember(answer.member);
  return answer.consent_current;
}

/**
 * Signs a known member in without a question; a new one is led to the consent page and `consent_required` thrown.
 * A member who agreed to an earlier policy is signed in and shown the new one, which they may leave for later.
 */
async function silentSignIn() {
  const code = await loginCode();
  try {
    const current = await postLogin(code);
    if (!current) wx.navigateTo({ url: '/pages/consent/index?renewal=1' });
  } catch (problem) {
    const refused = asApiError(problem);
    if (refused.code === 'consent_required') {
      awaitingConsent = { code, policyVersion: refused.data.policy_version };
      wx.navigateTo({ url: '/pages/consent/index' });
    }
    throw problem;
  }
}

/** A deliberate tap on "sign in". */
function signIn() {
  signingIn =
    signingIn ||
    silentSignIn().finally(() => {
      signingIn = null;
    });
  return signingIn;
}

/** Makes sure there is a token. A member who signed out, or did not agree, is not asked again unprompted. */
async function ensureSignedIn() {
  if (token()) return;
  if (signedOut()) throw new ApiError(0, 'signed_out', '');
  await signIn();
}

/**
 * The tap on "agree and join": the same login code once more, now with consent. A code that has run out while
 * the member was reading is replaced.
 */
async function agree() {
  const { code, policyVersion } = awaitingConsent;
  try {
    await postLogin(code, policyVersion);
  } catch (problem) {
    const refused = asApiError(problem);
    if (refused.code === 'consent_required') awaitingConsent.policyVersion = refused.data.policy_version;
    if (refused.status !== 401) throw problem;
    await postLogin(await loginCode(), policyVersion);
  }
}

function decline() {
  wx.setStorageSync(SIGNED_OUT, true);
}

/** Nothing of the member stays on this phone. */
function forgetMember() {
  [TOKEN, MEMBER, PACK, PICTURE, STORE].forEach((name) => wx.removeStorageSync(name));
  wx.setStorageSync(SIGNED_OUT, true);
}

const deleteConsent = () => send({ path: '/api/v1/me/consent', method: 'DELETE', token: token() });

/** Takes consent back, and forgets the member on this phone once the server has done so. */
async function withdraw() {
  try {
    await deleteConsent();
  } catch (problem) {
    if (asApiError(problem).status !== 401) throw problem;
    await withdrawAnew();
  }
  forgetMember();
}

/** The token has ended: by itself, or with the consent when that answer was lost. Signing in tells which. */
async function withdrawAnew() {
  forgetToken();
  try {
    await postLogin(await loginCode());
    await deleteConsent();
  } catch (problem) {
    if (asApiError(problem).code !== 'consent_required') throw problem;
  }
}

/** Forgets the member on this phone, whether or not the server could be told. */
async function signOut() {
  const leaving = token();
  forgetMember();
  await send({ path: '/api/v1/logout', method: 'POST', token: leaving }).catch(() => undefined);
}

module.exports = {
  token,
  forgetToken,
  signedOut,
  knownMember,
  rememberMember,
  signIn,
  ensureSignedIn,
  agree,
  decline,
  withdraw,
  signOut,
};
