/** A new Idempotency-Key: 128 random bits in hexadecimal. */

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Where the client has no random source (old DevTools), time and Math.random will do: a key must be unique for
 * one member, it need not be secret.
 */
function lesserKey() {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
}

/** @returns {Promise<string>} */
function newKey() {
  return new Promise((resolve) => {
    wx.getRandomValues({
      length: 16,
      success: ({ randomValues }) => resolve(hex(new Uint8Array(randomValues))),
      fail: () => resolve(lesserKey()),
    });
  });
}

module.exports = { newKey };
