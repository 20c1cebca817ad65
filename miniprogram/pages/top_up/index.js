/** Stored value: what there is, offers to choose from, paying by WeChat Pay, and every movement. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { signedYuan, grouped, day, lastDay, minute, yuan } = require('../../utils/format.js');
const { payFor } = require('../../utils/payment.js');
const { texts, fill, withPoints, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/api.js').Offer} Offer */
/** @typedef {import('../../utils/api.js').Offers} Offers */

/** Nothing is chosen yet; 0 stands for an amount of one's own. */
const NONE = -1;
const OWN_AMOUNT = 0;

/** Bonus that was given to be spent from a later day on. @param {import('../../utils/api.js').BalanceEntry} entry */
function isLater(entry) {
  return entry.available_at !== null && Date.parse(entry.available_at) > Date.parse(entry.occurred_at);
}

/** @param {import('../../utils/api.js').BalanceEntry} entry */
function toRow(entry) {
  const t = texts();
  return {
    id: entry.id,
    text: entry.text,
    where: `${entry.store || t.inApp} · ${minute(entry.occurred_at)}`,
    begins: isLater(entry) ? fill(t.usableFrom, { date: day(String(entry.available_at)) }) : '',
    expires: entry.amount_fen > 0 && entry.valid_through ? fill(t.expiresOn, { date: entry.valid_through }) : '',
    change: signedYuan(entry.amount_fen),
    gain: entry.amount_fen > 0,
  };
}

/** @param {import('../../utils/api.js').Balance} balance */
function summary(balance) {
  const t = texts();
  const { ending_soon: soon } = balance;
  return {
    now: yuan(balance.principal_fen + balance.bonus_fen),
    parts: fill(t.balanceParts, { principal: yuan(balance.principal_fen), bonus: yuan(balance.bonus_fen) }),
    toCome: balance.bonus_to_come_fen ? fill(t.bonusToCome, { bonus: yuan(balance.bonus_to_come_fen) }) : '',
    ending: soon.earliest_at
      ? fill(t.bonusEnding, { bonus: yuan(soon.bonus_fen), date: lastDay(soon.earliest_at) })
      : '',
  };
}

/** @param {Offer} offer */
function toChoice(offer) {
  const t = texts();
  const gifts = [];
  if (offer.bonus_fen) gifts.push(fill(t.giftBonus, { bonus: yuan(offer.bonus_fen) }));
  if (offer.points) gifts.push(fill(t.giftPoints, { points: withPoints(offer.points, grouped(offer.points)) }));
  const notes = [];
  if (!offer.available) notes.push(t.notForYou);
  if (offer.first_only) notes.push(t.firstOnly);
  if (offer.bonus_parts > 1) notes.push(fill(t.inParts, { n: offer.bonus_parts }));
  if (offer.bonus_days) notes.push(fill(t.bonusLasts, { days: offer.bonus_days }));
  return {
    ...offer,
    pays: fill(t.payAmount, { amount: yuan(offer.pay_fen) }),
    gift: gifts.join(' + '),
    note: notes.join(' · '),
  };
}

/** The bounds of an amount of one's own, in whole yuan. @param {Offers} offered */
function bounds(offered) {
  return {
    least: Math.ceil(offered.least_fen / 100),
    most: Math.floor(Math.min(offered.most_fen, offered.room_fen) / 100),
  };
}

const log = listPages(api.balanceEntries, toRow);

Component({
  data: {
    t: texts(),
    now: '–',
    parts: '',
    toCome: '',
    ending: '',
    offers: /** @type {ReturnType<typeof toChoice>[]} */ ([]),
    least: 0,
    most: 0,
    otherHint: '',
    other: '',
    amountFen: 0,
    chosen: NONE,
    hint: '',
    busy: false,
    rows: /** @type {ReturnType<typeof toRow>[]} */ ([]),
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.topUpTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    async reload() {
      try {
        this.setData(summary(await api.balance()));
        this.showOffers(await api.topUpOffers());
        await this.load([]);
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {Offers} offered */
    showOffers(offered) {
      const t = texts();
      const { least, most } = bounds(offered);
      let hint = '';
      if (!offered.payable) hint = t.notPayable;
      else if (most < least && !offered.items.some((offer) => offer.available)) hint = t.full;
      this.setData({
        offers: offered.items.map(toChoice),
        least,
        most,
        otherHint: fill(t.otherAmountHint, { least: grouped(least), most: grouped(most) }),
        hint,
        chosen: NONE,
        other: '',
      });
    },

    /** @param {ReturnType<typeof toRow>[]} shown */
    async load(shown) {
      const page = await log.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {{currentTarget: {dataset: {id: number}}}} event */
    choose({ currentTarget }) {
      const offer = this.data.offers.find((one) => one.offer_id === Number(currentTarget.dataset.id));
      if (offer && offer.available) this.setData({ chosen: offer.offer_id, amountFen: offer.pay_fen, other: '' });
    },

    otherAmount() {
      const { t, least, most } = this.data;
      wx.showModal({
        title: t.otherAmount,
        editable: true,
        placeholderText: this.data.otherHint,
        confirmText: t.ok,
        cancelText: t.cancel,
        success: ({ confirm, content }) => {
          if (!confirm) return;
          const typed = (content || '').trim();
          const amount = Number(typed);
          if (!/^\d{1,5}$/.test(typed) || amount < least || amount > most) {
            wx.showToast({ title: fill(t.amountWrong, { least: grouped(least), most: grouped(most) }), icon: 'none' });
            return;
          }
          this.setData({ chosen: OWN_AMOUNT, amountFen: amount * 100, other: `¥${yuan(amount * 100)}` });
        },
      });
    },

    async pay() {
      const { t, busy, chosen, amountFen } = this.data;
      if (busy || chosen === NONE) return;
      this.setData({ busy: true });
      try {
        const outcome = await payFor(amountFen, chosen === OWN_AMOUNT ? null : chosen);
        const said = { credited: t.paid, unsure: t.payUnsure, cancelled: t.payCancelled, failed: t.payFailed };
        wx.showToast({ title: said[outcome], icon: 'none' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
      this.reload();
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});
