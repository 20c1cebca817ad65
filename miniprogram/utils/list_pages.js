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
  let asking = false;

  /**
   * @param {R[]} shown rows on the screen so far; empty starts at the beginning
   * @returns {Promise<{rows: R[], items: T[], more: boolean} | null>} null while an earlier ask is under way
   */
  async function next(shown) {
    if (asking) return null;
    asking = true;
    try {
      const page = await fetch(shown.length ? cursor : null);
      cursor = page.next_cursor;
      return { rows: shown.concat(page.items.map(toRow)), items: page.items, more: cursor !== null };
    } finally {
      asking = false;
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
