/** Surveys that are on for the member. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { givenText } = require('../../utils/given.js');
const { minute } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @param {import('../../utils/api.js').Survey} survey */
function toRow(survey) {
  const t = texts();
  const given = givenText(survey.reward);
  const reward = survey.reward_left ? fill(t.surveyGives, { given }) : t.surveyGone;
  const until = survey.ends_at ? ` · ${fill(t.surveyUntil, { date: minute(survey.ends_at) })}` : '';
  return {
    id: survey.id,
    name: survey.name,
    shown: survey.for_me || survey.answered,
    about: fill(t.surveyQuestions, { n: survey.questions }) + until,
    note: survey.answered ? t.surveyAnswered : given && reward,
  };
}

const surveys = listPages(api.surveys, toRow);

Component({
  data: {
    t: texts(),
    rows: /** @type {ReturnType<typeof toRow>[]} */ ([]),
    any: false,
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.surveys);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof toRow>[]} shown */
    async load(shown) {
      const page = await surveys.next(shown);
      if (!page) return;
      const any = page.rows.some((row) => row.shown);
      this.setData({ rows: page.rows, any, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    open({ currentTarget }) {
      wx.navigateTo({ url: `/pages/survey/index?id=${currentTarget.dataset.id}` });
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});
