/**
 * Before the first sign-in: what is collected and why, and the member's own tick. With `renewal`, the same for a
 * member whose policy has a new version: they may leave it for later and are asked again at the next sign-in.
 */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const claims = require('../../utils/claim_link.js');
const { openPolicy } = require('../../utils/policy.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** Who came for a coupon goes back to it; everybody else starts with their code. */
const BACK_TO = [claims.PAGE, 'pages/coupon_gift/index'];

function goOn() {
  const [page] = getCurrentPages().slice(-2);
  if (page && BACK_TO.includes(page.route)) wx.navigateBack();
  else wx.switchTab({ url: '/pages/code/index' });
}

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
    renewal: false,
    policyVersion: '',
    version: '',
    benefits: benefits(texts()),
    collected: collected(texts()),
    agreed: false,
    busy: false,
    hint: '',
  },

  methods: {
    /** @param {{renewal?: string}} query */
    async onLoad({ renewal }) {
      const t = texts();
      titlePage(renewal ? t.renewalTitle : t.consentTitle);
      const heading = renewal ? t.renewalHeading : t.consentHeading;
      this.setData({
        t,
        renewal: Boolean(renewal),
        benefits: renewal ? [] : benefits(t),
        collected: collected(t),
        heading: fill(heading, { brand: '' }),
      });
      const { brand, policy_url, policy_version } = await api
        .config()
        .catch(() => ({ brand: '', policy_url: null, policy_version: '' }));
      this.setData({ heading: fill(heading, { brand }), published: Boolean(policy_url) });
      this.showVersion(policy_version);
    },

    /** @param {string} policyVersion */
    showVersion(policyVersion) {
      this.setData({ policyVersion, version: fill(this.data.t.renewalVersion, { version: policyVersion }) });
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
        await (this.data.renewal ? api.agreeToPolicy(this.data.policyVersion) : session.agree());
        wx.showToast({ title: this.data.renewal ? t.renewed : t.welcome, icon: 'none' });
        goOn();
      } catch (problem) {
        const refused = api.asApiError(problem);
        // Nobody has agreed to a text they were not shown: the tick is for the version on the screen.
        if (refused.code === 'policy_not_current') {
          this.setData({ agreed: false });
          this.showVersion(refused.data.policy_version);
        }
        this.setData({ busy: false, hint: refused.message });
      }
    },

    later() {
      if (!this.data.renewal) session.decline();
      wx.switchTab({ url: '/pages/code/index' });
    },
  },
});
