/** What can be claimed: of the centre, or by a link or picture that carries a claim key. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { PAGE, claimKeyIn } = require('../../utils/claim_link.js');
const { claimableView } = require('../../utils/coupon_view.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { ask, offerAt } = require('../../utils/subscribe.js');
const { texts, titlePage } = require('../../i18n/index.js');

/** @typedef {ReturnType<typeof claimableView>} Row */

const centre = listPages(api.couponCentre, claimableView);

/** @param {string} claimKey */
const ofLink = (claimKey) => listPages(() => api.couponOfLink(claimKey), claimableView);

Component({
  data: {
    t: texts(),
    claimKey: '',
    rows: /** @type {Row[]} */ ([]),
    got: '',
    tell: /** @type {import('../../utils/subscribe.js').Question | null} */ (null),
    busy: '',
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(this.data.claimKey ? t.giftTitle : t.centreTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    /** @param {{scene?: string, key?: string}} query */
    onLoad(query) {
      this.setData({ claimKey: claimKeyIn(query) });
    },

    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {Row[]} shown */
    async load(shown) {
      const { claimKey } = this.data;
      const page = await (claimKey ? ofLink(claimKey) : centre).next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    /** @param {WechatMiniprogram.TouchEvent} event */
    async claim(event) {
      const { t, busy, claimKey } = this.data;
      const { id } = event.currentTarget.dataset;
      if (busy) return;
      this.setData({ busy: id });
      try {
        await api.claimCoupon(claimKey ? { claim_key: claimKey } : { template_id: id });
        wx.showToast({ title: t.claimed, icon: 'none' });
        this.setData({ got: id });
        this.offer();
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      } finally {
        this.setData({ busy: '' });
      }
      await this.reload();
    },

    /** After a claim: WeChat's question must follow a tap, and the claim's own is over by then. */
    async offer() {
      this.setData({ tell: await offerAt('coupons') });
    },

    async tellMe() {
      if (this.data.tell) await ask(this.data.tell);
      this.offer();
    },

    wallet() {
      wx.navigateTo({ url: '/pages/coupons/index' });
    },

    /** From a link that has nothing to give to whatever else there is. */
    centre() {
      wx.navigateTo({ url: `/${PAGE}` });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});
