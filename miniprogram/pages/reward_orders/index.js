/** One's exchanges: what waits where and until when, the code that fetches it, and giving it up. */
const api = require('../../utils/api.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { payReward } = require('../../utils/payment.js');
const { orderView } = require('../../utils/reward_texts.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

const orders = listPages(api.rewardOrders, orderView);

Component({
  data: {
    t: texts(),
    rows: /** @type {ReturnType<typeof orderView>[]} */ ([]),
    more: false,
    busy: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.mallOrders);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof orderView>[]} shown */
    async load(shown) {
      const page = await orders.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** The member's own code fetches it. */
    code() {
      wx.switchTab({ url: '/pages/code/index' });
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    async pay({ currentTarget }) {
      const { t, busy } = this.data;
      if (busy) return;
      this.setData({ busy: true });
      try {
        const outcome = await payReward(currentTarget.dataset.id);
        const said = { credited: t.exchanged, unsure: t.rewardPayUnsure, cancelled: t.payCancelled, failed: t.payFailed };
        wx.showToast({ title: said[outcome], icon: 'none' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
      this.reload();
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    ask({ currentTarget }) {
      const { t, rows } = this.data;
      const order = rows.find((row) => row.id === currentTarget.dataset.id);
      if (!order) return;
      wx.showModal({
        title: fill(t.giveUpAsk, { name: order.name }),
        content: fill(t.giveUpBody, { price: order.price }),
        confirmText: t.giveUp,
        cancelText: t.keep,
        success: ({ confirm }) => {
          if (confirm) this.giveUp(order.id);
        },
      });
    },

    /** @param {string} id */
    async giveUp(id) {
      const { t, busy } = this.data;
      if (busy) return;
      this.setData({ busy: true });
      try {
        await api.giveUpReward(id);
        wx.showToast({ title: t.givenUp, icon: 'none' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
      this.reload();
    },
  },
});
