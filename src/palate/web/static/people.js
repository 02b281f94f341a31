import { ask } from './api.js';
import { axisLine, axisLines, signedBars, track } from './charts.js';
import { el, into, newId } from './dom.js';
import { between, number, plural, short, titles, typeset } from './format.js';
import { href } from './router.js';

const MOST_SD = 3;

/** Where somebody stands on the axes: built once, and moved with every answer. */
export function portrait(summary) {
  const told = el('p', { class: 'told' });
  const half = (summary.highest - summary.lowest) / 4;
  const generosity = axisLine({ title: 'Habit', low: 'rates lower than most', high: 'rates higher than most', from: -half, to: half });
  const axes = summary.axes.map(({ axis, low_end: low, high_end: high }) =>
    axisLine({ title: `Axis ${axis}`, low, high, from: -MOST_SD, to: MOST_SD }));
  const node = el('div', { class: 'portrait' }, told, axisLines([generosity, ...axes]),
    el('p', { class: 'soft' }, 'A dot in the middle is the average person; the bar is the 90% interval. Axes are in standard deviations between people, the habit in ratings.'));
  const set = ({ sentence, generosity: habit, axes: places }) => {
    told.textContent = typeset(sentence);
    generosity.set({ position: habit.bias, lower: habit.lower, upper: habit.upper });
    places.forEach((place, i) => axes[i]?.set(place));
  };
  return { node, set };
}

/** A list of recommendations; `person` is what the service is told of whom they are for. */
export function recommendations(found, person, summary) {
  const title = titles(found);
  const [low, high] = [summary.scale[0], summary.scale.at(-1)];
  return el('ol', { class: 'recommendations' }, ...found.map((one) => {
    const panel = el('div', { class: 'why', id: newId('why'), hidden: true });
    const rated = one.status === 'known' ? null : el('span', { class: 'tag' }, one.status);
    return el('li', { 'data-item': one.id },
      el('div', { class: 'recommendation' },
        el('div', { class: 'what' }, el('a', { href: href(['item', one.id]) }, title(one)), rated,
          one.reason && el('p', { class: 'soft' }, typeset(one.reason))),
        el('div', { class: 'expected' },
          el('strong', {}, number(one.prediction)),
          one.lower !== null && el('small', {}, el('span', { class: 'unseen' }, '90% interval '), between(one.lower, one.upper)),
          one.at_least !== null && el('small', {}, `at least ${number(one.at_least)}`)),
        track(low, high, one.prediction, one.lower, one.upper),
        whyButton(panel, title(one), () => ask('explanations', { body: { ...person, item: one.id } }))),
      panel);
  }));
}

function whyButton(panel, title, load) {
  const button = el('button', { type: 'button', class: 'link', 'aria-expanded': 'false', 'aria-controls': panel.id, 'aria-label': `Why? ${title}` }, 'Why?');
  button.addEventListener('click', () => {
    panel.hidden = !panel.hidden;
    button.setAttribute('aria-expanded', String(!panel.hidden));
    if (!panel.hidden && !panel.childElementCount) into(panel, load().then(explained));
  });
  return button;
}

function explained({ sentence, parts, ratings, counterfactual, unit }) {
  const rows = (some) => some.map(({ name, contribution }) => ({ name: typeset(name), value: contribution, bare: name === 'average' }));
  const chart = (heading, some) => el('div', {}, el('h4', {}, heading), signedBars(rows(some), heading));
  const scale = unit === 'score' ? 'Parts are in scores, which a curve turns into ratings, so that they sum to the score.' : 'Parts are in ratings and sum to the expected one.';
  return [
    el('p', { class: 'told' }, typeset(sentence)),
    el('div', { class: 'columns' }, chart('By what it is', parts), chart('By what was rated', ratings)),
    counterfactual && el('p', {}, `With ${short(counterfactual.changed_to)} in place of ${short(counterfactual.rating)} for ${counterfactual.item}, the expected rating would be ${number(counterfactual.prediction)}.`),
    el('p', { class: 'soft' }, scale),
  ].filter(Boolean);
}

/** Ratings that differ most from what was expected. */
export function surprises(found) {
  const title = titles(found);
  if (!found.length) return el('p', { class: 'soft' }, 'None.');
  return el('ul', { class: 'surprises' }, ...found.map((one) =>
    el('li', {}, el('a', { href: href(['item', one.id]) }, title(one)),
      el('span', {}, `rated ${short(one.rating)}, expected ${number(one.expected)}`))));
}

/** Titles with what somebody gave them. */
export function favourites(found) {
  const title = titles(found);
  return el('ol', { class: 'ranking', 'aria-label': plural(found.length, 'favourite') }, ...found.map((one) =>
    el('li', {}, el('a', { href: href(['item', one.id]) }, title(one)), el('span', {}, short(one.rating)))));
}
