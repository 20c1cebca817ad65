/** One request to the member center: time-out, problem texts, and another try where that is harmless. */
const { SERVER, TIMEOUT_MS } = require('../config.js');
const { currentLanguage, texts } = require('../i18n/index.js');

/**
 * @typedef {object} Send
 * @property {string} path begins with `/api/v1`
 * @property {'GET' | 'POST' | 'PUT' | 'DELETE'} [method] no PATCH: `wx.request` does not know it
 * @property {Record<string, any>} [data] JSON body
 * @property {string} [key] Idempotency-Key: makes a POST safe to send twice
 * @property {string} [token] bearer token
 * @property {number} [timeoutMs]
 * @property {boolean} [picture] what comes is a picture, as the address of an image
 */

/** A refusal by the server, or `network` when no answer came. `message` is fit for showing. */
class ApiError extends Error {
  /** @param {number} status 0 without an answer @param {string} code @param {string} message @param {any} [data] */
  constructor(status, code, message, data) {
    super(message);
    this.status = status;
    this.code = code;
    this.data = data || {};
  }
}

/** @param {Send} send */
function headers(send) {
  /** @type {Record<string, string>} */
  const header = { Accept: 'application/json', 'Accept-Language': currentLanguage() };
  if (send.data) header['Content-Type'] = 'application/json';
  if (send.token) header.Authorization = `Bearer ${send.token}`;
  if (send.key) header['Idempotency-Key'] = send.key;
  return header;
}

/** @param {number} status @param {any} body problem+json, or a proxy's page */
function refusal(status, body) {
  const problem = body && typeof body === 'object' ? body : {};
  return new ApiError(status, problem.code || 'unknown', problem.detail || texts().serverError, problem);
}

/** @param {any} bytes an ArrayBuffer: PNG or JPEG */
function imageAddress(bytes) {
  const text = wx.arrayBufferToBase64(bytes);
  return `data:image/${text.startsWith('iVBOR') ? 'png' : 'jpeg'};base64,${text}`;
}

/** @param {Send} send @returns {Promise<any>} */
function sendOnce(send) {
  return new Promise((resolve, reject) => {
    wx.request({
      url: SERVER + send.path,
      method: send.method || 'GET',
      data: send.data,
      header: headers(send),
      timeout: send.timeoutMs || TIMEOUT_MS,
      responseType: send.picture ? 'arraybuffer' : 'text',
      success: ({ statusCode, data }) =>
        statusCode < 400 ? resolve(send.picture ? imageAddress(data) : data) : reject(refusal(statusCode, data)),
      fail: () => reject(new ApiError(0, 'network', texts().networkError)),
    });
  });
}

/** How often a request is repeated after which trouble; a busy server answers at once, a lost answer takes long. */
/** @type {Record<string, number>} */
const REPEATS = { network: 1, busy: 4 };

/**
 * Sends, and again if the answer was lost or the server was busy and a repeat is harmless: a GET, a DELETE, or a POST
 * with a key, where the server answers the repeat with what it did the first time.
 * @param {Send} send
 * @returns {Promise<any>}
 */
async function send(send) {
  const repeatable = send.key !== undefined || send.method !== 'POST';
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await sendOnce(send);
    } catch (problem) {
      const { code, data } = asApiError(problem);
      if (!repeatable || repeats >= (REPEATS[code] || 0)) throw problem;
      await pause(data.retry_after_s || 0);
    }
  }
}

/** @param {number} seconds @returns {Promise<void>} */
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * What an `<image>` on the phone takes: it needs a whole address, and the server names its pictures by their path.
 * @param {string | null} path
 */
const pictureUrl = (path) => (path ? SERVER + path : '');

/** @param {unknown} problem @returns {ApiError} */
function asApiError(problem) {
  return problem instanceof ApiError ? problem : new ApiError(0, 'unknown', texts().serverError);
}

module.exports = { send, pictureUrl, ApiError, asApiError };
