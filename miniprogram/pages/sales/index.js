/** Purchases: store, receipt, amount, points earned. */
const api = require('../../utils/api.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { grouped, signed, yuan, minute } = require('../../utils/format.js');
const { texts, fill, withPoints, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/api.js').Sale} Sale */

/** Principal and bonus are one balance to whoever paid with it. @param {Sale} sale */
function byKind({ tenders }) {
  /** @type {Map<string, {fen: number, points: number}>} */
  const sums = new Map();
  for (const { kind, amount_fen, points } of tenders) {
    const name = kind === 'principal' || kind === 'bonus' ? 'balance' : kind;
    const { fen } = sums.get(name) || { fen: 0 };
    sums.set(name, { fen: fen + amount_fen, points });
  }
  return sums;
}

/** What was taken off and how it was paid; empty where the till did not say. @param {Sale} sale */
function howPaid(sale) {
  const t = texts();
  /** @type {Record<string, string>} */
  const names = {
    points: t.paidPoints,
    balance: t.paidBalance,
    cash: t.paidCash,
    card: t.paidCard,
    wechat_pay: t.paidWechatPay,
    alipay: t.paidAlipay,
  };
  const off = sale.discount_fen ? [fill(t.discount, { amount: yuan(sale.discount_fen) })] : [];
  const paid = [...byKind(sale)].map(([name, { fen, points }]) =>
    fill(names[name] || t.paidOther, { amount: yuan(fen), points: withPoints(points, grouped(points)) }),
  );
  return [...off, ...paid].join(' · ');
}

/** @param {Sale} sale */
function toRow(sale) {
  const t = texts();
  return {
    id: sale.id,
    store: sale.store,
    about: fill(t.feedbackOn, { store: sale.store, no: sale.receipt_no }),
    at: minute(sale.occurred_at),
    receipt: [
      fill(t.receiptNo, { no: sale.receipt_no }),
      ...(sale.refunded_fen ? [fill(t.refunded, { amount: yuan(sale.refunded_fen) })] : []),
    ].join(' · '),
    amount: yuan(sale.amount_fen),
    paid: howPaid(sale),
    points: sale.points_earned ? withPoints(sale.points_earned, signed(sale.points_earned)) : '',
  };
}

const purchases = listPages(api.sales, toRow);

Component({
  data: {
    t: texts(),
    rows: /** @type {ReturnType<typeof toRow>[]} */ ([]),
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.salesTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof toRow>[]} shown */
    async load(shown) {
      const page = await purchases.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, error: '' });
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    feedback({ currentTarget }) {
      const sale = this.data.rows.find((row) => row.id === currentTarget.dataset.id);
      if (!sale) return;
      wx.navigateTo({ url: `/pages/feedback/index?sale=${sale.id}&about=${encodeURIComponent(sale.about)}` });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },
  },
});
