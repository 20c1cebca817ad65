/** A list that grows page by page, for the three pages that have one. */
const api = require('./api.js');

/**
 * @template T, R
 * @param {(cursor: string | null) => Promise<import('./api.js').Page<T>>} fetch
 * @param {(item: T) => R} toRow how an item is shown
 */
function listPages(fetch, toRow) {
  /** @type {string | null} */
  let cursor = null;
  /** The ask under way, if there is one. @type {object | null} */
  let current = null;

  /**
   * Whoever starts at the beginning wants what holds now: after a change, or on a page that was opened once more. What
   * an earlier ask still brings is older, and is not shown.
   * @param {R[]} shown rows on the screen so far; empty starts at the beginning
   * @returns {Promise<{rows: R[], items: T[], more: boolean} | null>} null: another ask was under way, or took its place
   */
  async function next(shown) {
    if (current && shown.length) return null;
    const own = {};
    current = own;
    try {
      const page = await fetch(shown.length ? cursor : null);
      if (current !== own) return null;
      cursor = page.next_cursor;
      return { rows: shown.concat(page.items.map(toRow)), items: page.items, more: cursor !== null };
    } catch (problem) {
      if (current !== own) return null;
      throw problem;
    } finally {
      if (current === own) current = null;
    }
  }

  return { next };
}

/** How a page shows that its list did not come: as a guest's invitation, or with the reason. */
/** @param {unknown} problem */
function problemView(problem) {
  return api.isGuest(problem)
    ? { guest: true, error: '', loading: false }
    : { guest: false, error: api.asApiError(problem).message, loading: false };
}

module.exports = { listPages, problemView };
