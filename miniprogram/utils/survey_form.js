/** A survey while it is being answered: what is picked, what is written, and whether that is enough. */
const { texts, fill } = require('../i18n/index.js');

/** @typedef {import('./api.js').SurveyQuestion} SurveyQuestion */

/** What the member is told beside the question. @param {SurveyQuestion} ask */
function hintOf(ask) {
  const t = texts();
  if (ask.kind === 'nps') return t.surveyNps;
  if (ask.kind === 'stars') return t.surveyStars;
  if (ask.kind !== 'multiple') return '';
  const same = ask.at_least === ask.at_most;
  return same ? fill(t.surveyPickSome, { n: ask.at_most }) : fill(t.surveyPick, { least: ask.at_least, most: ask.at_most });
}

/** @param {SurveyQuestion} ask */
function blank(ask) {
  const t = texts();
  return {
    no: ask.question_no,
    title: ask.title,
    hint: [hintOf(ask), ask.required ? '' : t.surveyOptional].filter(Boolean).join(' · '),
    multiple: ask.kind === 'multiple',
    scale: ask.kind === 'nps' || ask.kind === 'stars',
    required: ask.required,
    least: ask.at_least,
    most: ask.at_most,
    chars: ask.most_chars || 0,
    placeholder: ask.most_chars ? fill(t.surveyText, { n: ask.most_chars }) : '',
    choices: ask.choices.map((choice) => ({ ...choice, on: false })),
    text: '',
  };
}

/** @typedef {ReturnType<typeof blank>} Asked */

/** Whether that would be one more than may be chosen. @param {Asked} asked @param {number} value */
function tooMany(asked, value) {
  const chosen = picks(asked);
  return asked.multiple && chosen.length >= asked.most && !chosen.includes(value);
}

/** The question after a tap: of several a choice goes on and off, of one it takes the other's place. */
/** @param {Asked} asked @param {number} value @returns {Asked} */
function tapped(asked, value) {
  const choices = asked.choices.map((choice) => {
    if (choice.value === value) return { ...choice, on: !choice.on };
    return asked.multiple ? choice : { ...choice, on: false };
  });
  return { ...asked, choices };
}

/** @param {Asked} asked */
function picks(asked) {
  return asked.choices.filter((choice) => choice.on).map((choice) => choice.value);
}

/** @param {Asked} asked */
function fits(asked) {
  if (asked.chars) return asked.text.trim() !== '' || !asked.required;
  const n = picks(asked).length;
  return n === 0 ? !asked.required : n >= asked.least && n <= asked.most;
}

/** The number of the first question that needs an answer; 0: none does. @param {Asked[]} form */
function missing(form) {
  const first = form.find((asked) => !fits(asked));
  return first ? first.no : 0;
}

/** What is sent: only what was answered. @param {Asked[]} form @returns {import('./api.js').SurveySaid[]} */
function said(form) {
  return form
    .filter((asked) => asked.text.trim() !== '' || picks(asked).length > 0)
    .map((asked) => (asked.chars ? { question: asked.no, text: asked.text.trim() } : { question: asked.no, picks: picks(asked) }));
}

module.exports = { blank, tooMany, tapped, missing, said };
