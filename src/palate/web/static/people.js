import { request } from './api.js';
import { axisLine, axisLines, signedBars, track } from './charts.js';
import { el, newId, renderInto } from './dom.js';
import { between, capitalized, number, percent, short, typeset } from './format.js';
import { itemLink } from './links.js';

// The range of the axes, in standard deviations of people.
const MAX_SD = 3;

/** A person's portrait; `set` updates it without rebuilding it, so that the dots can move. */
export function portrait(summary) {
  const text = el('p', { class: 'sentence' });
  const range = (summary.highest - summary.lowest) / 4;
  const generosity = axisLine({ title: 'Rating habit', low: 'rates lower than most', high: 'rates higher than most', from: -range, to: range });
  const axes = summary.axes.map(({ axis, low_end: low, high_end: high }) =>
    axisLine({ title: `Axis ${axis}`, low, high, from: -MAX_SD, to: MAX_SD }));
  const node = el('div', { class: 'portrait' }, text, axisLines([generosity, ...axes]),
    el('p', { class: 'soft' }, 'The middle is the average person, and the bar is the 90% interval. Positions on the axes are in standard deviations of people; the rating habit is in rating points.'));
  const set = ({ sentence, generosity: habit, axes: standings }) => {
    text.textContent = typeset(sentence);
    generosity.set({ position: habit.bias, lower: habit.lower, upper: habit.upper });
    standings.forEach((standing, i) => axes[i]?.set(standing));
  };
  return { node, set };
}

// What each list answers, of "you" or "they".
const QUESTIONS = {
  both: { name: 'Both', text: (you) => `What ${you} would pick and like.` },
  choice: { name: 'Would pick', text: (you) => `What people with a history like ${you === 'you' ? 'yours' : 'theirs'} pick, whether they like it or not.` },
  rating: { name: 'Would like', text: (you) => `What ${you} would rate highest, whether or not ${you} would come across it.` },
  between: { text: () => 'What people like you pick, weighed against how much you would like it.' },
};

/** Return what a list is ranked by, from the value in its address. */
export const rankedBy = (by, { lists_by: listsBy }) => (listsBy.includes(by) ? by : listsBy[0]);

/** A switch between the questions that a list can answer, with a line about the current one. */
export function listSwitch(summary, onChange) {
  const buttons = summary.lists_by.map((by) =>
    el('button', { type: 'button', 'data-by': by, on: { click: () => onChange(by === summary.lists_by[0] ? null : by) } }, QUESTIONS[by].name));
  const isNeeded = buttons.length > 1;
  const text = el('p', { class: 'soft' });
  /** Show what the list of somebody, "you" or "they", is ranked by. */
  const set = (by, who = 'you') => {
    const expected = `The number is the expected rating${summary.sure ? `, with the 90% interval of the rating ${who} might give` : ''}.`;
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.by === by));
    const byRating = by === 'rating';
    const sentences = [(isNeeded || !byRating) && QUESTIONS[by].text(who), !byRating && `The percentage is the chance that an item is the next that ${who} pick.`, summary.lists_by.includes('rating') && expected];
    text.textContent = sentences.filter(Boolean).join(' ');
  };
  const node = isNeeded ? el('div', { class: 'segments', role: 'group', 'aria-label': 'What the list is ranked by' }, ...buttons) : '';
  return { node, text, set };
}

/**
 * A list of recommendations; `person` is the user, or the ratings or items that they are for. `actions`
 * returns what can be done with an item.
 */
export function recommendations(found, person, summary, { actions, who = 'you' } = {}) {
  if (!found.length) return el('p', { class: 'soft' }, 'Nothing is left to recommend.');
  const [low, high] = [summary.scale[0], summary.scale.at(-1)];
  return el('ol', { class: 'recommendations' }, ...found.map((one) => {
    const panel = el('div', { class: 'why', id: newId('why'), hidden: true });
    const status = one.status === 'known' ? null : el('span', { class: 'tag' }, one.status);
    return el('li', { 'data-item': one.id },
      el('div', { class: 'recommendation' },
        el('div', { class: 'what' }, itemLink(one), status, one.chance !== null && el('small', { class: 'chance' }, `${percent(one.chance, 1)} chance`),
          [one.reason, one.rating_reason].map((reason) => reason && el('p', { class: 'soft' }, capitalized(typeset(reason))))),
        one.prediction !== null && [expected(one), track(low, high, one.prediction, one.lower, one.upper)],
        whyButton(panel, one.item, () => request('explanations', { body: { ...person, item: one.id } }), who)),
      actions?.(one),
      panel);
  }));
}

function expected({ prediction, lower, upper, at_least: atLeast }) {
  return el('div', { class: 'expected' },
    el('strong', {}, number(prediction)),
    lower !== null && el('small', {}, el('span', { class: 'visually-hidden' }, '90% interval '), between(lower, upper)),
    atLeast !== null && el('small', {}, `at least ${number(atLeast)}`));
}

/** A button that opens a panel with an explanation. */
export function whyButton(panel, title, load, who) {
  const button = el('button', { type: 'button', class: 'link', 'aria-expanded': 'false', 'aria-controls': panel.id, 'aria-label': `Why? ${title}`, 'data-focus-key': `why ${title}` }, 'Why?');
  button.addEventListener('click', () => {
    panel.hidden = !panel.hidden;
    button.setAttribute('aria-expanded', String(!panel.hidden));
    if (!panel.hidden && !panel.childElementCount) renderInto(panel, load().then((why) => explanation(why, who)));
  });
  return button;
}

const explanation = (why, who) => [
  why.choice && [el('h3', {}, `Why ${who} would pick it`), choiceExplanation(why.choice)],
  why.parts && [el('h3', {}, `How ${who} would like it`), ratingExplanation(why)],
];

function choiceExplanation({ score, history, sentence }) {
  const shares = history.map(({ name, contribution }) => ({ name, value: contribution / score }));
  const share = (x) => (x < 0 ? `−${percent(-x)}` : percent(x));
  return [
    el('p', { class: 'sentence' }, sentence),
    score > 0 && [
      el('div', {}, el('h4', {}, 'By item of the history'), signedBars(shares, 'By item of the history', share)),
      el('p', { class: 'soft' }, 'The contributions are percentages of the score, and sum to 100%. An item below zero speaks against it.'),
    ],
  ];
}

function ratingExplanation({ sentence, parts, ratings, counterfactual, unit }) {
  const rows = (contributions) => contributions.map(({ name, contribution }) => ({ name: typeset(name), value: contribution, bare: name === 'average' }));
  const chart = (heading, contributions) => el('div', {}, el('h4', {}, heading), signedBars(rows(contributions), heading));
  const units = unit === 'score'
    ? 'Contributions sum to the score, which a curve (the sigmoid) turns into the expected rating.'
    : 'Contributions are in rating points and sum to the expected rating.';
  return [
    el('p', { class: 'sentence' }, typeset(sentence)),
    el('div', { class: 'columns' }, chart('By bias and axis', parts), chart('By rating given', ratings)),
    counterfactual && el('p', {}, `If ${counterfactual.item} had been rated ${short(counterfactual.changed_to)} instead of ${short(counterfactual.rating)}, the expected rating would be ${number(counterfactual.prediction)}.`),
    el('p', { class: 'soft' }, units),
  ];
}
