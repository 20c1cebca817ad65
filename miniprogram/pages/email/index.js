/** The member's e-mail address: typed in, confirmed by the code that was sent there, taken away again. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { problemView } = require('../../utils/list_pages.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/api.js').Email} Email */

/** @param {Email | null} email */
function view(email) {
  return {
    email: email ? email.email : '',
    confirmed: !!email && email.confirmed,
    waiting: email && !email.confirmed ? fill(texts().emailWaiting, { email: email.email }) : '',
  };
}

Component({
  data: {
    t: texts(),
    ...view(null),
    address: '',
    code: '',
    // A field of its own for each thing that is typed: the next one begins empty.
    fields: [1],
    busy: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.emailTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    async reload() {
      try {
        this.setData({ ...view(await api.email()), loading: false, guest: false, error: '' });
      } catch (problem) {
        this.setData({ ...problemView(problem), loading: false });
      }
    },

    /** @param {{detail: {value: string}}} event */
    typeAddress({ detail }) {
      this.setData({ address: detail.value.trim() });
    },

    /** @param {{detail: {value: string}}} event */
    typeCode({ detail }) {
      this.setData({ code: detail.value.trim() });
    },

    send() {
      return this.step(() => api.giveEmail(this.data.address), this.data.t.emailSent);
    },

    confirm() {
      return this.step(() => api.confirmEmail(this.data.code), this.data.t.emailDone);
    },

    remove() {
      const { t, email, confirmed } = this.data;
      // An address that was never confirmed is no loss.
      if (!confirmed) return void this.step(() => api.removeEmail(), '');
      wx.showModal({
        title: t.emailRemoveAsk,
        content: fill(t.emailRemoveBody, { email }),
        confirmText: t.ok,
        cancelText: t.cancel,
        success: ({ confirm }) => {
          if (confirm) this.step(() => api.removeEmail(), t.emailRemoved);
        },
      });
    },

    /** @param {() => Promise<Email | null>} ask @param {string} done */
    async step(ask, done) {
      if (this.data.busy) return;
      this.setData({ busy: true });
      try {
        const now = await ask();
        this.setData({ ...view(now), address: '', code: '', fields: [this.data.fields[0] + 1] });
        if (done) wx.showToast({ title: done, icon: 'none' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});
