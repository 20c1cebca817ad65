/**
 * A till wants to spend stored value and points: the member agrees or declines, and sees whether the sale was made.
 */
const api = require('../../utils/api.js');
const { newestQuestion, answer } = require('../../utils/confirmations.js');
const { problemView } = require('../../utils/list_pages.js');
const { yuan } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** The clerk may have changed the sale meanwhile, or put it away: what is asked is looked up again so often. */
const LOOK_MS = 3000;

/** After the member has agreed, it looks whether the sale was made: first soon, then less and less often. */
const FIRST_MS = 1000;
const SLOWEST_MS = 8000;

/** @param {string} expiresAt RFC 3339 */
function leftUntil(expiresAt) {
  const seconds = Math.max(0, Math.ceil((Date.parse(expiresAt) - Date.now()) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** @param {import('../../utils/confirmations.js').Asked} asked */
function shown(asked) {
  return {
    asked,
    store: asked.store,
    balance: yuan(asked.stored_value_fen + asked.points_fen),
    points: asked.points,
    amount: yuan(asked.amount_fen),
    left: leftUntil(asked.expires_at),
  };
}

/** Only while the page is on the screen; one question at a time, one answer at a time. */
const clock = { ticking: 0, looksAtMs: 0, busy: false, restMs: FIRST_MS };

Component({
  data: {
    t: texts(),
    asked: /** @type {import('../../utils/confirmations.js').Asked | null} */ (null),
    store: '',
    balance: '',
    points: 0,
    amount: '',
    left: '',
    outcome: '',
    outcomeTitle: '',
    outcomeBody: '',
    sending: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.confirmTitle);
      this.setData({ t });
      // A look of the page that was closed just before tells this one nothing.
      clock.busy = false;
      clock.ticking = setInterval(() => this.tick(), 1000);
      this.reload();
    },
    hide() {
      clearInterval(clock.ticking);
    },
  },

  lifetimes: {
    detached() {
      clearInterval(clock.ticking);
    },
  },

  methods: {
    tick() {
      const { asked, outcome } = this.data;
      if (asked && outcome === 'agreed' && Date.now() >= clock.looksAtMs) this.follow();
      if (!asked || outcome) return;
      this.setData({ left: leftUntil(asked.expires_at) });
      if (Date.now() >= clock.looksAtMs) this.reload();
    },

    async reload() {
      if (clock.busy || this.data.outcome) return;
      clock.busy = true;
      clock.looksAtMs = Date.now() + LOOK_MS;
      try {
        const asked = await newestQuestion();
        if (asked) this.setData({ ...shown(asked), loading: false, error: '' });
        else this.end('ended');
      } catch (problem) {
        // With a question on the screen, the next look tells.
        if (!this.data.asked) this.setData(problemView(problem));
      } finally {
        clock.busy = false;
      }
    },

    /** Whether the till has completed the sale that was agreed to; a look that fails is made again. */
    async follow() {
      const { asked } = this.data;
      if (!asked || clock.busy) return;
      clock.busy = true;
      clock.looksAtMs = Date.now() + clock.restMs;
      clock.restMs = Math.min(SLOWEST_MS, clock.restMs * 1.5);
      try {
        const { state } = await api.confirmation(asked.id);
        if (state !== 'waiting') this.end(state === 'paid' ? 'paid' : 'lapsed');
      } catch (problem) {
        console.info('sale not looked up:', api.asApiError(problem).code);
      } finally {
        clock.busy = false;
      }
    },

    agree() {
      this.say(true);
    },

    decline() {
      this.say(false);
    },

    /** @param {boolean} agree */
    async say(agree) {
      const { asked } = this.data;
      if (!asked || this.data.sending) return;
      this.setData({ sending: true, error: '' });
      try {
        this.end(await answer(asked, agree));
      } catch (problem) {
        // Saying it once more is safe.
        this.setData({ error: api.asApiError(problem).message });
      } finally {
        this.setData({ sending: false });
      }
    },

    /** @param {import('../../utils/confirmations.js').Outcome | 'paid' | 'lapsed'} outcome */
    end(outcome) {
      const { t, store, balance } = this.data;
      const said = {
        paid: [t.confirmPaid, fill(t.confirmPaidBody, { store, amount: balance })],
        lapsed: [t.confirmLapsed, fill(t.confirmLapsedBody, { store })],
        agreed: [t.confirmAgreed, fill(t.confirmAgreedBody, { store, amount: balance })],
        declined: [t.confirmDeclined, t.confirmDeclinedBody],
        ended: [t.confirmEnded, t.confirmEndedBody],
      };
      const [outcomeTitle, outcomeBody] = said[outcome];
      if (outcome === 'agreed') Object.assign(clock, { looksAtMs: Date.now() + FIRST_MS, restMs: FIRST_MS });
      this.setData({ outcome, outcomeTitle, outcomeBody, loading: false, error: '' });
    },

    close() {
      wx.navigateBack();
    },
  },
});
