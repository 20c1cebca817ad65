/** One coupon: its conditions, what happened to it, and giving it to a friend. */
const api = require('../../utils/api.js');
const { couponStore, inCouponStore } = require('../../utils/coupon_store.js');
const { heldView, isOver } = require('../../utils/coupon_view.js');
const { problemView } = require('../../utils/list_pages.js');
const { minute } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @typedef {Awaited<ReturnType<typeof api.coupon>>} Detail */

/** @param {string} secret */
const linkTo = (secret) => `/pages/coupon_gift/index?secret=${secret}`;

/** @param {Detail} coupon */
function view(coupon) {
  const t = texts();
  const over = isOver(coupon.reason);
  const store = couponStore();
  return {
    card: heldView(coupon),
    rules: coupon.terms ? [...coupon.rules, coupon.terms] : coupon.rules,
    events: coupon.events.map((one) => ({ ...one, where: [one.store, minute(one.at)].filter(Boolean).join(' · ') })),
    usable: coupon.usable,
    // Not today or not here; what has ended or was used says so on the card.
    why: !coupon.usable && !over && coupon.reason !== 'not_yet' && store ? `${store.name} · ${coupon.reason_text}` : '',
    elsewhere: coupon.reason === 'not_here',
    givable: coupon.transferable && !over,
    offered: coupon.offered_until ? fill(t.giveAwayUntil, { at: minute(coupon.offered_until) }) : '',
  };
}

Component({
  data: {
    t: texts(),
    id: '',
    card: /** @type {ReturnType<typeof heldView> | null} */ (null),
    rules: /** @type {string[]} */ ([]),
    events: /** @type {{id: string, text: string, where: string}[]} */ ([]),
    usable: false,
    why: '',
    elsewhere: false,
    givable: false,
    offered: '',
    secret: '',
    busy: false,
    guest: false,
    loading: true,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.couponTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    /** @param {{id?: string}} query */
    onLoad({ id }) {
      this.setData({ id: id || '' });
    },

    /** What a friend gets to see in a chat; without a link there is nothing to share. */
    onShareAppMessage() {
      const { t, card, secret } = this.data;
      return { title: card ? `${t.giftForYou}：${card.name}` : t.giftForYou, path: secret ? linkTo(secret) : undefined };
    },

    async reload() {
      try {
        const coupon = await inCouponStore((store) => api.coupon(this.data.id, store));
        this.setData({ ...view(coupon), loading: false, guest: false, error: '' });
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    async offer() {
      const { t } = this.data;
      await this.change(async () => {
        const { secret, expires_at } = await api.offerCoupon(this.data.id);
        this.setData({ secret, offered: fill(t.giveAwayUntil, { at: minute(expires_at) }) });
      });
    },

    async takeBack() {
      await this.change(async () => {
        await api.takeOfferBack(this.data.id);
        this.setData({ secret: '', offered: '' });
        wx.showToast({ title: this.data.t.giveAwayStopped, icon: 'none' });
      });
    },

    /** @param {() => Promise<void>} run */
    async change(run) {
      if (this.data.busy) return;
      this.setData({ busy: true });
      try {
        await run();
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
        await this.reload();
      } finally {
        this.setData({ busy: false });
      }
    },

    code() {
      wx.switchTab({ url: '/pages/code/index' });
    },
  },
});
