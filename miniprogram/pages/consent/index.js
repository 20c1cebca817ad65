/** Before the first sign-in: what is collected and why, and the member's own tick. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { openPolicy } = require('../../utils/policy.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @param {import('../../i18n/index.js').Texts} t */
const benefits = (t) => [
  { icon: 'points', title: t.benefitPoints, body: t.benefitPointsBody },
  { icon: 'code', title: t.benefitCode, body: t.benefitCodeBody },
  { icon: 'tier', title: t.benefitTier, body: t.benefitTierBody },
];

/** @param {import('../../i18n/index.js').Texts} t */
const collected = (t) => [t.collectId, t.collectSales, t.collectOptional, t.collectNever];

Component({
  data: {
    t: texts(),
    heading: '',
    published: false,
    benefits: benefits(texts()),
    collected: collected(texts()),
    agreed: false,
    busy: false,
    hint: '',
  },

  methods: {
    async onLoad() {
      const t = texts();
      titlePage(t.consentTitle);
      this.setData({ t, benefits: benefits(t), collected: collected(t), heading: fill(t.consentHeading, { brand: '' }) });
      const { brand, policy_url } = await api.config().catch(() => ({ brand: '', policy_url: null }));
      this.setData({ heading: fill(t.consentHeading, { brand }), published: Boolean(policy_url) });
    },

    /** Leaving by the phone's own "back" is a no, too; otherwise home would lead straight back here. */
    onUnload() {
      if (!session.token()) session.decline();
    },

    tick() {
      this.setData({ agreed: !this.data.agreed, hint: '' });
    },

    policy() {
      openPolicy();
    },

    async join() {
      const { t, agreed, busy } = this.data;
      if (!agreed) {
        this.setData({ hint: t.tickFirst });
        return;
      }
      if (busy) return;
      this.setData({ busy: true, hint: '' });
      try {
        await session.agree();
        wx.showToast({ title: t.welcome, icon: 'none' });
        wx.switchTab({ url: '/pages/code/index' });
      } catch (problem) {
        this.setData({ busy: false, hint: api.asApiError(problem).message });
      }
    },

    later() {
      session.decline();
      wx.switchTab({ url: '/pages/code/index' });
    },
  },
});
