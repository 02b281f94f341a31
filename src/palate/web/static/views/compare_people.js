import { requestCached } from '../api.js';
import { userCombobox } from '../combobox.js';
import { el, section } from '../dom.js';
import { count, followers, hasRatings, historyText, number, plural, short } from '../format.js';
import { itemLink, ranking, userLink } from '../links.js';
import { agreement, choosing, pairLegend, pairLine, pairLines } from '../pair.js';
import { go, href } from '../router.js';
import { table } from '../table.js';

// The range of the axes, in standard deviations of people, as in portraits.
const MAX_SD = 3;
const SHOWN = 12;
const AGREEMENT = ['Their ratings agree', 'Their ratings are opposed', 'Whether they agree is not certain'];

/** Two people beside each other: #/compare/people?a=ID&b=ID. */
export function show({ params }, summary) {
  const ids = { a: params.get('a'), b: params.get('b') };
  if (!summary.users) return { title: 'Compare two people', body: [el('p', { class: 'note' }, 'This model was saved without its users.')] };
  const choose = (name, label) => userCombobox({ label, onPick: ({ user }) => go(href(['compare', 'people'], { ...ids, [name]: user })) }).node;
  return choosing({
    title: 'Compare two people',
    lead: 'Their tastes, what both know, and what each could recommend to the other.',
    ids,
    choosers: [choose('a', ids.a ? 'Another first user' : 'First user'), choose('b', ids.b ? 'Another second user' : 'Compare with user')],
    first: () => `User ${ids.a}`,
    load: async () => shown(await requestCached('compare/people', ids), summary),
  });
}

function shown(pair, summary) {
  const names = pair.users.map(({ user }) => `User ${user}`);
  const links = pair.users.map((one) => [userLink(one.user), el('small', {}, historyText(one))]);
  const suggestions = [pair.from_first, pair.from_second].map((found, i) => suggested(found, names[i], names[1 - i], summary));
  return {
    title: `${names[0]} and ${names[1].toLowerCase()}`,
    body: [
      pairLegend(links),
      section(summary.scale.length ? 'What both have rated' : 'What both have picked', 'common', common(pair, names, summary)),
      hasRatings(summary) && section('Their tastes', 'portrait', tastes(pair, names, summary)),
      section('What each could recommend', 'suggestions', el('div', { class: 'columns' }, suggestions)),
    ],
  };
}

function tastes({ portraits, similarity }, names, { lowest, highest }) {
  const range = (highest - lowest) / 4;
  const habits = portraits.map(({ generosity: { bias, lower, upper } }) => ({ position: bias, lower, upper }));
  const habit = pairLine({ title: 'Rating habit', low: 'rates lower than most', high: 'rates higher than most', from: -range, to: range, pair: habits, names });
  return [
    similarity !== null && el('p', { class: 'sentence' }, `The similarity of their tastes is ${number(similarity)}: 1 means the same tastes, 0 unrelated ones, and −1 opposite ones.`),
    pairLines(portraits.map(({ axes }) => axes), names, { max: MAX_SD, before: [habit] }),
    el('p', { class: 'soft' }, 'The middle is the average person, and the bars are 90% intervals. Positions on the axes are in standard deviations of people; the rating habit is in rating points.'),
  ];
}

function common({ common: n, items, agreement: agreed }, names, summary) {
  if (!n) return [el('p', { class: 'sentence' }, 'They have no title in common.')];
  const verb = summary.scale.length ? 'rated' : 'picked';
  const side = (key, i) => ({ name: names[i], cell: (one) => el('span', { class: `side-${i}` }, short(one[key])) });
  const apart = ({ first, second }) => el('span', { class: Math.abs(first - second) > 1 ? 'apart' : null }, first === second ? 'same' : short(Math.abs(first - second)));
  const values = summary.kind === 'events' ? [] : [side('first', 0), side('second', 1), { name: 'Apart', cell: apart }];
  const titles = (label, rows) => table({ label, columns: [{ name: 'Title', cell: itemLink }, ...values], rows, kind: 'common-ratings' });
  return [
    el('p', { class: 'sentence' }, `Both ${verb} ${plural(n, 'title')}. ${agreed ? agreement(agreed, AGREEMENT, 'title') : ''}`),
    titles(`Titles that both ${verb}`, items.slice(0, SHOWN)),
    items.length > SHOWN && el('details', {}, el('summary', {}, `${count(items.length - SHOWN)} more`), titles(`More titles that both ${verb}`, items.slice(SHOWN))),
    n > items.length && el('p', { class: 'soft' }, `The ${items.length} highest rated of ${count(n)}.`),
  ];
}

function suggested(found, from, to, { scale }) {
  const note = (one) => (one.prediction === null ? followers({ ...one, mean: null }) : `expected ${number(one.prediction)}`);
  return el('div', {}, el('h3', {}, `${from} to ${to}`),
    el('p', { class: 'soft' }, `What ${from.toLowerCase()} ${scale.length ? 'rated above their average' : 'picked'}, and ${to.toLowerCase()} does not know.`),
    ranking(found, { note, none: 'Nothing.' }));
}
