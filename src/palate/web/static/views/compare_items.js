import { itemPath, requestCached } from '../api.js';
import { track } from '../charts.js';
import { itemCombobox } from '../combobox.js';
import { el, section } from '../dom.js';
import { between, count, hasRatings, number, percent, plural, short, signed } from '../format.js';
import { itemLink, ranking, userLink } from '../links.js';
import { agreement, choosing, pairLegend, pairLines } from '../pair.js';
import { go, href } from '../router.js';
import { table } from '../table.js';

const AGREEMENT = ['Who rates the one higher than others do rates the other higher, too', 'Who rates the one higher than others do rates the other lower', 'How one is rated says little about the other'];

/** Two titles beside each other: #/compare/items?a=ID&b=ID. */
export function show({ params }, summary) {
  const ids = { a: params.get('a'), b: params.get('b') };
  const choose = (name, label) => itemCombobox({ label, onPick: ({ id }) => go(href(['compare', 'items'], { ...ids, [name]: id })) }).node;
  return choosing({
    title: 'Compare two titles',
    lead: hasRatings(summary) ? 'Which is liked better, by whom, and how many people have both.' : 'How many people picked both, and who.',
    ids,
    choosers: [choose('a', ids.a ? 'Another first title' : 'First title'), choose('b', ids.b ? 'Another second title' : 'Compare it with')],
    first: async () => (await requestCached(itemPath(ids.a))).item,
    load: async () => shown(await requestCached('compare/items', ids), summary),
  });
}

function shown(pair, summary) {
  const names = pair.items.map(({ item }) => item);
  return {
    title: `${names[0]} and ${names[1]}`,
    body: [
      pairLegend(pair.items.map(itemLink)),
      hasRatings(summary) && section('Which is liked better', 'biases', biases(pair, names)),
      pair.both !== null && section(summary.scale.length ? 'What the same people think of both' : 'Who picks both', 'common', common(pair, summary)),
      hasRatings(summary) && section('Their positions on the axes', 'axes',
        el('p', {}, likeness(pair), ' People on one side of an axis rate the titles on that side higher, and those on the other side lower.'), pairLines(pair.axes, names)),
    ],
  };
}

function biases({ items, first_higher: probability }, names) {
  const max = 1.08 * Math.max(0.1, ...items.flatMap(({ bias, lower, upper }) => [bias, lower ?? 0, upper ?? 0].map(Math.abs)));
  const better = items[0].bias >= items[1].bias ? 0 : 1;
  const sure = probability === null ? null : better ? 1 - probability : probability;
  const certainty = sure === null ? '' : sure > 0.995 ? ', almost certainly' : sure > 0.9 ? `, with a probability of ${percent(sure)}` : `, but not certainly: the probability is ${percent(sure)}`;
  const columns = [
    { name: 'Title', cell: (one) => el('span', { class: `side-${items.indexOf(one)}` }, one.item) },
    { name: 'Bias', cell: ({ bias }) => signed(bias) },
    { name: '90% interval', wide: true, cell: ({ lower, upper }) => lower !== null && between(lower, upper) },
    { wide: true, cell: ({ bias, lower, upper }) => track(-max, max, bias, lower, upper) },
    { name: 'Mean', cell: ({ mean }) => number(mean) },
    { name: 'Ratings', cell: ({ ratings }) => count(ratings) },
  ];
  return [
    el('p', { class: 'sentence' }, `People like ${names[better]} better, whatever their taste${certainty}.`),
    table({ label: 'Biases of both', columns, rows: items }),
  ];
}

const likeness = ({ similarity }) => (similarity === null ? '' : `Their similarity is ${number(similarity)}: 1 means that the same people like both, and −1 that those who like the one dislike the other.`);

function common({ both, by_chance: byChance, like_both: likeBoth, fans, agreement: agreed }, summary) {
  const verb = summary.scale.length ? 'rated' : 'picked';
  const values = ({ first, second }) => (summary.kind === 'events' ? '' : `${short(first)} and ${short(second)}`);
  return [
    el('p', { class: 'sentence' }, `${plural(both, 'person', 'people')} ${verb} both; by chance it would be about ${count(Math.round(byChance))}.`,
      likeBoth !== null && both > 0 && ` ${likeBoth === both ? 'All' : count(likeBoth)} of them rated neither below their own average.`),
    agreed && both > 0 && el('p', {}, agreement(agreed, AGREEMENT, 'person', 'people')),
    fans.length > 0 && el('div', {}, el('h3', {}, likeBoth === null ? 'People who picked both' : 'People who like both'),
      ranking(fans, { link: ({ user }) => userLink(user), note: values })),
  ];
}
