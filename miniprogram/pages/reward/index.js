/** One item of the mall: what it is, where it can be picked up, and exchanging for it. */
const api = require('../../utils/api.js');
const { attempts } = require('../../utils/attempt.js');
const { payReward } = require('../../utils/payment.js');
const { problemView } = require('../../utils/list_pages.js');
const { itemView } = require('../../utils/reward_texts.js');
const { grouped } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @param {import('../../utils/api.js').RewardStore} store */
function toStore(store) {
  const t = texts();
  const none = store.left === 0;
  return {
    ...store,
    none,
    note: none ? t.rewardNone : store.left === null ? '' : fill(t.rewardLeft, { n: grouped(store.left) }),
  };
}

/** The exchange that was asked for last: asked again, after an answer that was lost, it is the same one. */
const attempt = attempts();

Component({
  data: {
    t: texts(),
    id: '',
    item: /** @type {ReturnType<typeof itemView> | null} */ (null),
    stores: /** @type {ReturnType<typeof toStore>[]} */ ([]),
    chosen: '',
    byWechat: false,
    can: false,
    busy: false,
    guest: false,
    loading: true,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.rewardTitle);
      this.setData({ t });
      if (this.data.id) this.reload();
    },
  },

  methods: {
    /** @param {Record<string, string | undefined>} query */
    onLoad(query) {
      this.setData({ id: query.id || '' });
    },

    async reload() {
      try {
        const found = await api.reward(this.data.id);
        const stores = found.stores.map(toStore);
        const open = stores.filter((store) => !store.none);
        const kept = open.some((store) => store.store === this.data.chosen) ? this.data.chosen : '';
        // Where there is one store only, there is nothing to choose.
        const chosen = kept || (stores.length === 1 && open.length === 1 ? open[0].store : '');
        // Whose balance is not enough pays by WeChat, where that is offered.
        const byWechat = found.wechat_pay && (this.data.byWechat || found.reason === 'balance');
        const can = found.available || (byWechat && found.reason === 'balance');
        this.setData({ byWechat, can });
        this.setData({ item: itemView(found), stores, chosen, loading: false, guest: false, error: '' });
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {{currentTarget: {dataset: {store: string}}}} event */
    choose({ currentTarget }) {
      this.setData({ chosen: currentTarget.dataset.store });
    },

    /** @param {{currentTarget: {dataset: {by: string}}}} event */
    payBy({ currentTarget }) {
      const { item } = this.data;
      const byWechat = currentTarget.dataset.by === 'wechat';
      if (item) this.setData({ byWechat, can: item.available || (byWechat && item.reason === 'balance') });
    },

    ask() {
      const { t, item, stores, chosen } = this.data;
      if (!item) return;
      const store = stores.find((one) => one.store === chosen);
      wx.showModal({
        title: fill(t.exchangeAsk, { price: item.price }),
        content: store ? fill(t.exchangeWhere, { name: item.name, store: store.name }) : item.name,
        confirmText: t.exchange,
        cancelText: t.cancel,
        success: ({ confirm }) => {
          if (confirm) this.exchange();
        },
      });
    },

    async exchange() {
      const { t, item, chosen, byWechat, busy } = this.data;
      if (!item || busy) return;
      this.setData({ busy: true });
      /** @type {import('../../utils/api.js').RewardWish} */
      const wish = { item_id: item.id, store: chosen || null, points: item.points, cash_fen: item.cash_fen };
      if (byWechat) wish.pay_by = 'wechat_pay';
      try {
        const made = await api.exchange(wish, await attempt.keyFor(wish));
        attempt.arrived();
        const title = made.state === 'pending' ? await this.pay(made.id) : t.exchanged;
        wx.showToast({ title, icon: 'none' });
        wx.navigateTo({ url: '/pages/reward_orders/index' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
        this.reload();
      }
      this.setData({ busy: false });
    },

    /** How it went, in words; what is not paid now waits among one's exchanges. @param {string} id */
    async pay(id) {
      const { t } = this.data;
      try {
        const outcome = await payReward(id);
        return { credited: t.exchanged, unsure: t.rewardPayUnsure, cancelled: t.payCancelled, failed: t.payFailed }[outcome];
      } catch (problem) {
        return api.asApiError(problem).message;
      }
    },
  },
});
