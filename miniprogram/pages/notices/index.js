/** What the member wants to be told beside what they do themselves: all of it or none, by which channel, and whether
 * what is recommended may be picked by what they bought. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { problemView } = require('../../utils/list_pages.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/api.js').NoticePreferences} NoticePreferences */

const CHANNELS = /** @type {const} */ (['wechat_subscribe', 'official_account', 'sms', 'email']);

/** @param {NoticePreferences} wanted */
function view(wanted) {
  const t = texts();
  const names = {
    wechat_subscribe: t.noticeWechat,
    official_account: t.noticeAccount,
    sms: t.noticeSms,
    email: t.noticeEmail,
  };
  return {
    t,
    marketing: wanted.marketing,
    personalised: wanted.personalised,
    channels: CHANNELS.map((id) => ({ id, name: names[id], on: wanted.channels[id] })),
    quiet: wanted.quiet_from ? fill(t.noticeQuiet, { from: wanted.quiet_from, until: wanted.quiet_until }) : '',
  };
}

/** One change after the other is sent: the one that was made last is the last to arrive. */
let sent = Promise.resolve();

/** @param {() => Promise<unknown>} send */
function inTurn(send) {
  const own = sent.then(send).then(() => undefined);
  sent = own.catch(() => undefined);
  return own;
}

Component({
  data: {
    t: texts(),
    marketing: true,
    personalised: true,
    channels: /** @type {ReturnType<typeof view>['channels']} */ ([]),
    quiet: '',
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.noticesTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    async reload() {
      try {
        this.setData({ ...view(await api.noticePreferences()), loading: false, guest: false, error: '' });
      } catch (problem) {
        this.setData({ ...problemView(problem), loading: false });
      }
    },

    /** @param {WechatMiniprogram.SwitchChange} event */
    all(event) {
      this.save({ marketing: event.detail.value });
    },

    /** @param {WechatMiniprogram.SwitchChange} event */
    channel(event) {
      const { id } = event.currentTarget.dataset;
      const { channels } = this.data;
      this.save({ channels: channels.map((one) => (one.id === id ? { ...one, on: event.detail.value } : one)) });
    },

    /** @param {WechatMiniprogram.SwitchChange} event */
    picked(event) {
      this.save({ personalised: event.detail.value });
    },

    /** @param {Partial<Pick<ReturnType<typeof view>, 'marketing' | 'channels' | 'personalised'>>} changed */
    async save(changed) {
      // At once, so that a second tap builds on the first.
      this.setData(changed);
      const { marketing, channels, personalised } = this.data;
      const on = Object.fromEntries(channels.map((one) => [one.id, one.on]));
      try {
        const wanted = { marketing, channels: /** @type {NoticePreferences['channels']} */ (on), personalised };
        await inTurn(() => api.changeNoticePreferences(wanted));
        wx.showToast({ title: this.data.t.saved, icon: 'none' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
        this.reload();
      }
    },

    email() {
      wx.navigateTo({ url: '/pages/email/index' });
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});
