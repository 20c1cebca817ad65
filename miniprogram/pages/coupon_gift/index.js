/** A friend's link: whoever accepts first has the coupon. */
const api = require('../../utils/api.js');
const { texts, titlePage } = require('../../i18n/index.js');

Component({
  data: {
    t: texts(),
    secret: '',
    coupon: /** @type {import('../../utils/api.js').NewCoupon | null} */ (null),
    busy: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.giftTitle);
      this.setData({ t, error: '' });
    },
  },

  methods: {
    /** @param {{secret?: string}} query */
    onLoad({ secret }) {
      this.setData({ secret: secret || '' });
    },

    async take() {
      if (this.data.busy) return;
      this.setData({ busy: true, error: '' });
      try {
        this.setData({ coupon: await api.takeCoupon(this.data.secret) });
      } catch (problem) {
        const { code, message } = api.asApiError(problem);
        // Whoever has to sign in first is led there; coming back, they accept once more.
        this.setData({ error: code === 'signed_out' ? this.data.t.guestHint : message });
      } finally {
        this.setData({ busy: false });
      }
    },

    look() {
      const { coupon } = this.data;
      if (coupon) wx.navigateTo({ url: `/pages/coupon/index?id=${coupon.id}` });
    },
  },
});
