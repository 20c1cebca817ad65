/** A key for what is sent: sent again, after an answer that was lost, it has the same one and is the same. */
const { newKey } = require('./random_key.js');

function attempts() {
  let sent = '';
  let key = '';
  return {
    /** @param {unknown} what */
    async keyFor(what) {
      const words = JSON.stringify(what);
      if (sent !== words) [sent, key] = [words, await newKey()];
      return key;
    },
    /** It has arrived: the same words are something new from now on. */
    arrived() {
      sent = '';
    },
  };
}

module.exports = { attempts };
