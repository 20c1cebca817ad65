/** Purchases: store, receipt, amount, points earned. */
const api = require('../../utils/api.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { signed, yuan, minute } = require('../../utils/format.js');
const { texts, fill, withPoints, titlePage } = require('../../i18n/index.js');

/** @param {import('../../utils/api.js').Sale} sale */
function toRow(sale) {
  const t = texts();
  return {
    id: sale.id,
    store: sale.store,
    at: minute(sale.occurred_at),
    receipt: [
      fill(t.receiptNo, { no: sale.receipt_no }),
      ...(sale.refunded_fen ? [fill(t.refunded, { amount: yuan(sale.refunded_fen) })] : []),
    ].join(' · '),
    amount: yuan(sale.amount_fen),
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

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },
  },
});
