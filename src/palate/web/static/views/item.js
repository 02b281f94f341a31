import { ask, itemPath } from '../api.js';
import { axisLine, axisLines, scrolling, track, waterfall } from '../charts.js';
import { el, section } from '../dom.js';
import { between, number, ordinal, plural, short, signed, titles, typeset } from '../format.js';
import { href, triedHref } from '../router.js';

export async function show({ id }, summary) {
  const item = await ask(itemPath(id));
  return {
    title: item.item,
    lead: lead(item),
    body: [
      el('p', { class: 'actions' }, el('a', { class: 'button', 'data-action': 'rate', href: triedHref({ ask: item.id }) }, 'Rate it')),
      metadata(item, summary),
      section('Where its mean comes from', 'decomposition', ...decomposition(item, summary)),
      section('Its place on the axes', 'axes', ...places(item)),
      section('Items like it', 'neighbours', ...neighbours(item)),
    ],
  };
}

function lead(item) {
  const mean = `${plural(item.ratings, 'rating')}, ${number(item.mean)} on average: the ${ordinal(item.rank_by_mean)} highest mean. `;
  const interval = item.lower === null ? '' : `, with a 90% interval of ${between(item.lower, item.upper)}`;
  return `${mean}Its bias is ${signed(item.bias)}${interval}: the ${ordinal(item.rank_by_bias)} highest.`;
}

function metadata({ more }, { columns }) {
  const sorted = Object.entries(more).filter(([, value]) => value !== null && value !== '');
  if (!sorted.length) return '';
  const cell = ([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, ...linked(columns.find((one) => one.name === name), value)));
  return el('dl', { class: 'metadata', 'data-section': 'metadata' }, ...sorted.map(cell));
}

function linked(column, value) {
  if (!column?.values.length) return [String(value)];
  return String(value).split('|').flatMap((one, i) => [
    i ? ', ' : '',
    column.values.includes(one) ? el('a', { href: href(['items'], { where: `${column.name}=${one}` }) }, one) : one,
  ]);
}

function decomposition(item, summary) {
  if (item.raters_bias === null) return [el('p', { class: 'soft' }, 'The model was saved without its ratings, so that the mean can’t be taken apart.')];
  const parts = [
    { name: 'Average', note: 'what an average person gives an average item, mu', value: item.mu },
    { name: 'Bias', note: 'liked by anybody', value: item.bias },
    { name: 'Habits of its raters', note: 'whether they rate high or low', value: item.raters_bias },
    { name: 'Tastes of its raters', note: 'whether it suits those who chose it', value: item.raters_interaction },
    { name: 'Residual', note: 'what the model leaves unexplained', value: item.residual },
  ];
  return [
    el('p', {}, why(item)),
    waterfall(parts, { name: 'Mean', note: 'of its ratings', value: item.mean }, summary.scale[0], summary.scale.at(-1), 'The mean as a sum of parts'),
    el('p', { class: 'soft' }, `The bars begin at ${short(summary.scale[0])}, the lowest rating.`),
  ];
}

function why(item) {
  const over = item.mean - item.mu;
  return `Its mean is ${number(Math.abs(over))} ${over < 0 ? 'below' : 'above'} the average of ${number(item.mu)}; its bias is ${signed(item.bias)}. They differ because the mean depends on who rated it: how high its raters rate in general accounts for ${signed(item.raters_bias)}, and how well it suits their tastes for ${signed(item.raters_interaction)}. The bias leaves both out: it is what remains for people who do not care for its kind.`
    + (item.reason ? ` Beside other items: ${typeset(item.reason)}.` : '');
}

function places({ axes }) {
  const most = 1.08 * Math.max(...axes.flatMap(({ position, lower, upper }) => [position, lower ?? 0, upper ?? 0].map(Math.abs)));
  const lines = axes.map((place) => {
    const line = axisLine({ title: `Axis ${place.axis}`, low: place.low, high: place.high, from: -most, to: most });
    line.set(place);
    return line;
  });
  return [
    el('p', {}, 'The further from the middle, the more it divides people: those on its side rate it higher, those on the other lower.'),
    axisLines(lines),
  ];
}

function neighbours({ neighbours: found }) {
  if (!found.length) return [el('p', { class: 'soft' }, 'None are known.')];
  const title = titles(found);
  const sure = found.some(({ lower }) => lower !== null);
  const row = (one) => el('tr', {},
    el('th', { scope: 'row' }, el('a', { href: href(['item', one.id]) }, title(one)), one.sure === false && el('span', { class: 'tag' }, 'not sure')),
    el('td', {}, number(one.similarity)),
    sure && el('td', { class: 'wide' }, between(one.lower, one.upper)),
    el('td', { class: 'wide' }, track(0, 1, one.similarity, one.lower, one.upper)),
    el('td', {}, String(one.ratings)));
  return [
    el('p', {}, 'Liked and disliked by the same people: similarity is the cosine of the angle between their factors, 1 for the same direction.', sure && ' Those with the highest lower end come first.'),
    scrolling('Table of items like it', el('table', { class: 'numbers' },
      el('thead', {}, el('tr', {},
        el('th', { scope: 'col' }, 'Item'), el('th', { scope: 'col' }, 'Similarity'),
        sure && el('th', { scope: 'col', class: 'wide' }, '90% interval'),
        el('td', { class: 'wide' }), el('th', { scope: 'col' }, 'Ratings'))),
      el('tbody', {}, ...found.map(row)))),
  ];
}
