/** One coupon: its conditions, its own code, what happened to it, and giving it to a friend. */
const api = require('../../utils/api.js');
const { couponStore, inCouponStore } = require('../../utils/coupon_store.js');
const { heldView, isOver } = require('../../utils/coupon_view.js');
const { problemView } = require('../../utils/list_pages.js');
const { barImage, qrImage } = require('../../utils/code_image.js');
const { inFours, minute } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @typedef {Awaited<ReturnType<typeof api.coupon>>} Detail */

/** While the coupon's code is shown the page looks whether it was used, or has turned; after so many looks it is put away. */
const LOOK_MS = 5000;
const LOOKS = 60;

/** One page looks at a time: the clock runs only while a code is on its screen. */
const clock = { ticking: 0, looksLeft: 0, looking: false };

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
    digits: '',
    qr: '',
    bar: '',
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
    hide() {
      this.hideCode();
    },
  },

  lifetimes: {
    detached() {
      clearInterval(clock.ticking);
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

    async showCode() {
      await this.change(async () => {
        this.draw((await api.couponCode(this.data.id)).code);
        clearInterval(clock.ticking);
        Object.assign(clock, { looksLeft: LOOKS, looking: false });
        clock.ticking = setInterval(() => this.look(), LOOK_MS);
      });
    },

    /** @param {string} code */
    draw(code) {
      this.setData({ digits: inFours(code), qr: qrImage(code), bar: barImage(code) });
    },

    /** Another code than is shown: this one was used, or its time is over. The card may tell another number of uses. */
    async look() {
      if (clock.looking) return;
      if (clock.looksLeft <= 0) {
        this.hideCode();
        return;
      }
      clock.looksLeft -= 1;
      clock.looking = true;
      try {
        const { code } = await api.couponCode(this.data.id);
        if (!this.data.qr || inFours(code) === this.data.digits) return;
        this.draw(code);
        await this.reload();
      } catch (problem) {
        // Without an answer the code on the screen is as good as before; refused, it is worth nothing any more.
        if (api.asApiError(problem).code === 'network') return;
        this.hideCode();
        await this.reload();
      } finally {
        clock.looking = false;
      }
    },

    hideCode() {
      clearInterval(clock.ticking);
      this.setData({ digits: '', qr: '', bar: '' });
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
