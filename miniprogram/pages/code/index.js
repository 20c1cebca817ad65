/** Home: the member's card and the code to show at the till. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { nextCode, replaced, stockUp } = require('../../utils/code_feed.js');
const { barImage, qrImage } = require('../../utils/code_image.js');
const { newestQuestion } = require('../../utils/confirmations.js');
const { ask, offerAt } = require('../../utils/subscribe.js');
const { showUnread } = require('../../utils/unread.js');
const { inFours, yuan } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** Without a code to show, the next try comes by itself. */
const RETRY_MS = 10000;

/** While the code lies before a till, the page looks whether it was used; after so many looks it waits for its turn. */
const LOOK_MS = 5000;
const LOOKS = 60;
/** The last look is just before the code turns: of the next one it cannot be seen that this one was used. */
const LAST_LOOK_MS = 1500;

/** Once a code was used, the till may ask for the member's word; so often it is looked for, and so long. */
const ASK_MS = 2500;
const ASKS_MS = 5 * 60 * 1000;

/** Then the sale comes, too: the card is looked at again, a second later each time, until its figures have moved. */
const CARD_MS = 3000;

/** When to look for a question of the till, and until when; of which one the page was opened. */
const questions = { nextAtMs: Infinity, untilMs: 0, asking: false, opened: '' };

/** The card after a code was used: when to look at it next, how long after the last time, and what it showed before. */
const card = { nextAtMs: Infinity, pauseMs: 0, before: '' };

/** @param {Partial<import('../../utils/session.js').Member>} member */
const figuresOf = (member) => `${member.points} ${member.balance_fen}`;

/** The page is a tab, so there is one of it; the clock runs only while it is on the screen. */
const clock = { ticking: 0, turnsAtMs: 0, totalMs: 1, fetching: false, looking: false, looksAtMs: 0, looksLeft: 0 };

/** A renewal that is under way, and one that was asked for while a code was fetched that may be the same again. */
const renewal = { sent: false, wanted: false };

function nextLookMs() {
  const next = Date.now() + LOOK_MS;
  const last = clock.turnsAtMs - LAST_LOOK_MS;
  return Date.now() < last && last < next ? last : next;
}

/** Some are enough here. */
const MOST_PICKS = 3;
/** What is recommended changes by night, or when the member switches it: asked once each time the page is shown, and an
 * answer from before is not shown any more. */
const picks = { asked: false, round: 0 };

/** For which figures of the card the line about the tier was asked: others are a reason to ask again. */
const tierLine = { askedFor: '' };

Component({
  data: {
    t: texts(),
    guest: false,
    guestTitle: '',
    tell: /** @type {import('../../utils/subscribe.js').Question | null} */ (null),
    member: /** @type {import('../../utils/session.js').Member | {}} */ ({}),
    tierText: '',
    picksTitle: '',
    picks: /** @type {import('../../utils/api.js').Recommendation[]} */ ([]),
    digits: '',
    spaced: '',
    qr: '',
    bar: '',
    left: '',
    leftPercent: 100,
    offline: false,
    offlineBody: '',
    error: '',
    waits: '',
  },

  lifetimes: {
    /** Once for all: a tab page lives as long as the mini-program. */
    attached() {
      wx.onUserCaptureScreen(() => this.captured());
      wx.onNetworkStatusChange((network) => this.networkChanged(network));
    },
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.tabCode);
      this.setData({ t, member: session.knownMember() || {} });
      wx.setKeepScreenOn({ keepScreenOn: true });
      clock.looksLeft = LOOKS;
      tierLine.askedFor = '';
      Object.assign(picks, { asked: false, round: picks.round + 1 });
      // Whoever opens the mini-program only now, or comes back from the question, is told of one that waits.
      questions.nextAtMs = 0;
      clock.ticking = setInterval(() => this.tick(), 1000);
      this.refresh(false);
    },
    hide() {
      clearInterval(clock.ticking);
      wx.setKeepScreenOn({ keepScreenOn: false });
    },
  },

  methods: {
    tick() {
      if (this.data.guest) return;
      if (Date.now() >= questions.nextAtMs && this.data.digits && !this.data.offline) this.lookForQuestion();
      if (Date.now() >= card.nextAtMs && !this.data.offline) this.lookAtCard();
      if (Date.now() >= clock.turnsAtMs) {
        // Used after the last look, the former code would say nothing of it any more.
        questions.nextAtMs = 0;
        this.refresh(false);
      } else if (this.data.digits) {
        this.showTimeLeft();
        if (Date.now() >= clock.looksAtMs) this.look();
      }
    },

    /** Whether the code was used meanwhile. Says nothing of trouble: the code on the screen is as good as before. */
    async look() {
      if (clock.fetching || clock.looking || clock.looksLeft <= 0 || this.data.offline) return;
      const showing = this.data.digits;
      // A renewal does not wait for a look; what the look found is then about a code that has gone.
      const stillAsked = () => !clock.fetching && this.data.digits === showing;
      clock.looking = true;
      clock.looksLeft -= 1;
      clock.looksAtMs = nextLookMs();
      try {
        const shown = await replaced(showing);
        if (!shown || !stillAsked()) return;
        this.followUse();
        this.showCode(shown);
      } catch (problem) {
        if (stillAsked()) await this.lookFailed(problem);
      } finally {
        clock.looking = false;
      }
    },

    /** A till has the code: what may come of it is looked for. */
    followUse() {
      const now = Date.now();
      Object.assign(questions, { untilMs: now + ASKS_MS, nextAtMs: 0 });
      Object.assign(card, { nextAtMs: now + CARD_MS, pauseMs: CARD_MS, before: figuresOf(this.data.member) });
    },

    /** @param {unknown} problem */
    async lookFailed(problem) {
      const { code } = api.asApiError(problem);
      // No look again before the code turns.
      clock.looksAtMs = clock.turnsAtMs;
      // Used, and there is no other in this minute: a used code must not stay on the screen.
      if (code !== 'codes_used_up') return;
      this.followUse();
      await this.showProblem(problem);
    },

    lookAtCard() {
      card.pauseMs += 1000;
      const next = Date.now() + card.pauseMs;
      card.nextAtMs = next < questions.untilMs ? next : Infinity;
      this.reload();
    },

    /** Whether a till asks for the member's word. Opens the question once; after that a line on this page leads to it. */
    async lookForQuestion() {
      if (questions.asking) return;
      questions.asking = true;
      questions.nextAtMs = Date.now() < questions.untilMs ? Date.now() + ASK_MS : Infinity;
      try {
        const asked = await newestQuestion();
        this.setData({ waits: asked ? this.waitsText(asked) : '' });
        if (!asked || asked.id === questions.opened) return;
        questions.opened = asked.id;
        this.openQuestion();
      } catch (problem) {
        console.info('no question looked for:', api.asApiError(problem).code);
      } finally {
        questions.asking = false;
      }
    },

    /** @param {import('../../utils/confirmations.js').Asked} asked */
    waitsText({ store, stored_value_fen, points_fen }) {
      return fill(this.data.t.confirmWaits, { store, amount: yuan(stored_value_fen + points_fen) });
    },

    openQuestion() {
      wx.navigateTo({ url: '/pages/confirm/index' });
    },

    showTimeLeft() {
      const leftMs = Math.max(0, clock.turnsAtMs - Date.now());
      this.setData({
        left: fill(this.data.t.secondsLeft, { n: Math.ceil(leftMs / 1000) }),
        leftPercent: Math.round((100 * leftMs) / clock.totalMs),
      });
    },

    /** @param {boolean} renew the code on the screen must not be used any more */
    async refresh(renew) {
      if (clock.fetching) {
        if (renew && !renewal.sent) renewal.wanted = true;
        return;
      }
      clock.fetching = true;
      Object.assign(renewal, { sent: renew, wanted: false });
      try {
        this.showCode(await nextCode({ renew, showing: this.data.digits }));
      } catch (problem) {
        await this.showProblem(problem);
      } finally {
        clock.fetching = false;
      }
      if (renewal.wanted && this.data.digits) this.refresh(true);
    },

    /** @param {import('../../utils/code_feed.js').Shown | null} shown */
    showCode(shown) {
      const { t } = this.data;
      if (!shown) {
        clock.turnsAtMs = Date.now() + RETRY_MS;
        this.setData({ guest: false, digits: '', qr: '', bar: '', offline: false, error: t.offlineEmpty });
        return;
      }
      clock.totalMs = shown.showForMs;
      clock.turnsAtMs = Date.now() + shown.showForMs;
      clock.looksAtMs = nextLookMs();
      const minutes = Math.ceil(shown.packLastsMs / 60000);
      this.setData({
        guest: false,
        error: '',
        offline: shown.offline,
        offlineBody: fill(t.offlineBody, { minutes }),
        digits: shown.digits,
        spaced: inFours(shown.digits),
        qr: qrImage(shown.digits),
        bar: barImage(shown.digits),
      });
      this.showTimeLeft();
      if (!shown.offline) this.reload();
    },

    /** What else is worth knowing while there is a network: the card's figures, unread mail, codes in stock. */
    reload() {
      api.me().then(
        (member) => {
          this.setData({ member });
          if (figuresOf(member) !== card.before) card.nextAtMs = Infinity;
          this.reloadTier(member);
          this.reloadPicks();
        },
        (problem) => console.info('card not reloaded:', api.asApiError(problem).code),
      );
      showUnread();
      stockUp();
    },

    /** @param {import('../../utils/session.js').Member} member */
    reloadTier(member) {
      const figures = `${member.member_no} ${member.tier.code} ${member.points}`;
      if (figures === tierLine.askedFor) return;
      api.tier().then(
        ({ text }) => {
          tierLine.askedFor = figures;
          this.setData({ tierText: text });
          // After a purchase it may be time to ask again.
          this.offer();
        },
        (problem) => console.info('tier not looked up:', api.asApiError(problem).code),
      );
    },

    /** Last of all: nobody waits for it. */
    reloadPicks() {
      if (picks.asked) return;
      const { round } = picks;
      picks.asked = true;
      api.recommendations().then(
        ({ personalised, items }) => {
          if (round !== picks.round) return;
          const { t } = this.data;
          this.setData({
            picksTitle: personalised ? t.pickedForYou : t.bestSellers,
            picks: items.slice(0, MOST_PICKS),
          });
        },
        (problem) => {
          console.info('nothing recommended:', api.asApiError(problem).code);
          // What stood there may have been picked before the member switched it off, or in another language.
          if (round === picks.round) this.setData({ picks: [] });
        },
      );
    },

    /** @param {unknown} problem */
    async showProblem(problem) {
      const { message, data } = api.asApiError(problem);
      clock.turnsAtMs = Date.now() + (data.retry_after_s ? data.retry_after_s * 1000 : RETRY_MS);
      this.setData({ digits: '', qr: '', bar: '', offline: false });
      if (!api.isGuest(problem)) {
        this.setData({ guest: false, error: message });
        return;
      }
      Object.assign(picks, { asked: false, round: picks.round + 1 });
      const brand = await api.config().then(
        (config) => config.brand,
        () => '',
      );
      this.setData({ guest: true, error: '', tierText: '', picks: [], guestTitle: fill(this.data.t.guestTitle, { brand }) });
    },

    /** Someone else may hold the picture: the code on it is withdrawn at once. */
    captured() {
      if (!this.data.digits) return;
      this.renew();
      wx.showToast({ title: this.data.t.captured, icon: 'none' });
    },

    /** @param {{isConnected: boolean}} network */
    networkChanged({ isConnected }) {
      if (isConnected && (this.data.offline || this.data.error)) this.refresh(false);
    },

    renew() {
      this.refresh(true);
    },

    retry() {
      this.refresh(false);
    },

    signIn() {
      session.signIn().then(
        () => this.refresh(false),
        (problem) => this.showProblem(problem),
      );
    },

    async offer() {
      this.setData({ tell: await offerAt('after_sale') });
    },

    async tellMe() {
      if (this.data.tell) await ask(this.data.tell);
      this.offer();
    },
  },
});
