/** The member's own particulars and settings. */
const api = require('../../utils/api.js');
const { boundBy } = require('../../utils/bind_phone.js');
const session = require('../../utils/session.js');
const { problemView } = require('../../utils/list_pages.js');
const { hasPolicy, openPolicy } = require('../../utils/policy.js');
const { markUnread } = require('../../utils/unread.js');
const { day, yuan } = require('../../utils/format.js');
const { texts, fill, titlePage, chooseLanguage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/session.js').Member} Member */

const LANGUAGES = /** @type {const} */ (['zh', 'en']);
const LANGUAGE_NAMES = ['简体中文', 'English'];

/** @param {Member} member */
function view(member) {
  const t = texts();
  return {
    t,
    member,
    title: member.name || t.hello,
    initial: (member.name || t.tabMe).slice(0, 1).toUpperCase(),
    no: fill(t.memberNo, { no: member.member_no }),
    joined: fill(t.joined, { date: member.joined_on }),
    withdrawn: false,
    balance: yuan(member.balance_fen),
  };
}

Component({
  data: {
    t: texts(),
    member: /** @type {Member | null} */ (null),
    title: '',
    initial: '',
    no: '',
    joined: '',
    balance: '',
    today: day(new Date().toISOString()),
    published: false,
    guest: false,
    withdrawn: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      this.localise();
      this.reload();
      hasPolicy().then(
        (published) => this.setData({ published }),
        (problem) => console.info('policy not looked up:', api.asApiError(problem).code),
      );
    },
  },

  methods: {
    localise() {
      const t = texts();
      titlePage(t.meTitle);
      const known = session.knownMember();
      this.setData(known ? { ...view(known), guest: false } : { t });
    },

    async reload() {
      try {
        this.setData({ ...view(await api.me()), guest: false, error: '' });
      } catch (problem) {
        if (api.isGuest(problem) || !this.data.member) this.setData(problemView(problem));
      }
    },

    /** @param {Parameters<typeof api.changeMe>[0]} changes */
    async change(changes) {
      try {
        this.setData(view(await api.changeMe(changes)));
        wx.showToast({ title: this.data.t.saved, icon: 'none' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
        this.localise();
      }
    },

    editName() {
      const { t, member } = this.data;
      wx.showModal({
        title: t.name,
        editable: true,
        content: member ? member.name : '',
        placeholderText: t.namePlaceholder,
        confirmText: t.ok,
        cancelText: t.cancel,
        success: ({ confirm, content }) => {
          const name = (content || '').trim();
          if (confirm && member && name !== member.name) this.change({ name });
        },
      });
    },

    /** @param {WechatMiniprogram.PickerChange} event */
    pickBirthday(event) {
      const { t } = this.data;
      const birthday = String(event.detail.value);
      wx.showModal({
        title: t.birthday,
        content: fill(t.birthdayOnce, { date: birthday }),
        confirmText: t.ok,
        cancelText: t.cancel,
        success: ({ confirm }) => {
          if (confirm) this.change({ birthday });
        },
      });
    },

    birthdayLocked() {
      wx.showToast({ title: this.data.t.birthdayLocked, icon: 'none' });
    },

    /** @param {WechatMiniprogram.ButtonGetPhoneNumber} event */
    async bindPhone(event) {
      if (await boundBy(event)) this.reload();
    },

    pickLanguage() {
      wx.showActionSheet({
        itemList: LANGUAGE_NAMES,
        success: ({ tapIndex }) => {
          const language = LANGUAGES[tapIndex];
          chooseLanguage(language);
          this.localise();
          this.change({ language });
        },
        // Closing the sheet is not a fault.
        fail() {},
      });
    },

    notices() {
      wx.navigateTo({ url: '/pages/notices/index' });
    },

    topUp() {
      wx.navigateTo({ url: '/pages/top_up/index' });
    },

    mall() {
      wx.navigateTo({ url: '/pages/rewards/index' });
    },

    events() {
      wx.navigateTo({ url: '/pages/events/index' });
    },

    coupons() {
      wx.navigateTo({ url: '/pages/coupons/index' });
    },

    couponCentre() {
      wx.navigateTo({ url: '/pages/coupon_centre/index' });
    },

    checkIn() {
      wx.navigateTo({ url: '/pages/check_in/index' });
    },

    lottery() {
      wx.navigateTo({ url: '/pages/lottery/index' });
    },

    invite() {
      wx.navigateTo({ url: '/pages/invite/index' });
    },

    surveys() {
      wx.navigateTo({ url: '/pages/surveys/index' });
    },

    feedback() {
      wx.navigateTo({ url: '/pages/feedback/index' });
    },

    tier() {
      wx.navigateTo({ url: '/pages/tier/index' });
    },

    sales() {
      wx.navigateTo({ url: '/pages/sales/index' });
    },

    policy() {
      openPolicy();
    },

    withdraw() {
      const { t } = this.data;
      wx.showModal({
        title: t.withdrawAsk,
        content: t.withdrawBody,
        confirmText: t.withdrawButton,
        cancelText: t.cancel,
        success: ({ confirm }) => {
          if (confirm) this.withdrawNow();
        },
      });
    },

    async withdrawNow() {
      try {
        await session.withdraw();
        markUnread([]);
        this.setData({ guest: true, member: null, withdrawn: true });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },

    signOut() {
      const { t } = this.data;
      wx.showModal({
        title: t.signOutAsk,
        content: t.signOutBody,
        confirmText: t.ok,
        cancelText: t.cancel,
        success: ({ confirm }) => {
          if (!confirm) return;
          session.signOut();
          markUnread([]);
          this.setData({ guest: true, member: null });
          wx.switchTab({ url: '/pages/code/index' });
        },
      });
    },
  },
});
