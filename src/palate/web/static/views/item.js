import { itemPath, neighboursPath, request } from '../api.js';
import { axisLine, axisLines, ratingCounts, track, waterfall } from '../charts.js';
import { el, renderInto, section } from '../dom.js';
import { between, count, followers, hasRatings, number, ordinal, plural, short, signed, typeset } from '../format.js';
import { itemLink, ranking } from '../links.js';
import { mySummary, rateInPlace } from '../rate_in_place.js';
import { href } from '../router.js';
import { curl, literal, python, snippets } from '../snippets.js';
import { table } from '../table.js';

// A mean and a bias that differ by less need no reason.
const ALIKE = 0.03;

export async function show({ id }, summary) {
  const item = await request(itemPath(id));
  const [counts, similar, picked] = ['', '', ''].map(() => el('div', { class: 'later' }));
  const isRated = item.mean !== null;
  const mine = mySummary(summary);
  const yours = el('div', { class: 'yours' }, el('strong', {}, summary.scale.length ? 'Your rating' : 'Your pick'), rateInPlace(item, summary), mine.node);
  return {
    title: item.item,
    lead: lead(item),
    body: [
      yours,
      el('p', { class: 'actions' }, el('a', { class: 'button quiet', href: href(['compare', 'items'], { a: item.id }) }, 'Compare with ...')),
      metadata(item, summary),
      isRated && section('Where its mean comes from', 'decomposition', ...decomposition(item, summary)),
      isRated && summary.users && section('How it is rated', 'rating-counts', el('p', {}, COUNTS), counts),
      isRated && section('Its position on the axes', 'axes', ...positions(item)),
      isRated && section('Similar items', 'neighbours', similar),
      summary.lists_by.includes('choice') && section('Picked by the same people', 'also-picked', picked),
      section('As code', 'code', el('p', { class: 'actions' }, code(item, summary))),
    ],
    mounted: () => {
      const later = request(neighboursPath(item.id));
      renderInto(similar, later.then(neighbours));
      renderInto(picked, later.then((found) => alsoPicked(found, item)));
      if (isRated && summary.users) renderInto(counts, request('rating-counts', { query: { item: item.id } }).then(({ steps }) => ratingCounts(steps, 'Ratings given and expected')));
    },
    close: mine.close,
  };
}

const COUNTS = 'How often each rating was given (bars), and how often the model expects it from the people who rated it (marks).';

/** Buttons that copy what is shown of an item as code. */
function code({ id }, summary) {
  const name = literal(id);
  const lines = hasRatings(summary) ? ['biases = model.biases("bias")', `print(biases.filter(biases["id"].cast(str) == ${literal(String(id))}))`, `print(model.similar(${name}, 12))`] : [];
  const alone = summary.scale.length ? `{${name}: ${summary.scale.at(-1)}}` : `[${name}]`;
  if (summary.lists_by.includes('choice')) lines.push(`print(model.profile(${alone}).recommend(12, by="choice"))`);
  return snippets({ python: python(...lines), curl: curl(itemPath(id)) });
}

function lead(item) {
  if (item.mean === null) return `${followers(item)} picked it.`;
  const mean = `${plural(item.ratings, 'rating')}, ${number(item.mean)} on average: the ${ordinal(item.rank_by_mean)} highest mean. `;
  const interval = item.lower === null ? '' : `, with a 90% interval of ${between(item.lower, item.upper)}`;
  return `${mean}Its bias is ${signed(item.bias)}${interval}: the ${ordinal(item.rank_by_bias)} highest.`;
}

function metadata({ more }, { columns }) {
  const known = Object.entries(more).filter(([, value]) => value !== null && value !== '');
  const cell = ([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, categoryLinks(columns.find((column) => column.name === name), value)));
  return known.length > 0 && el('dl', { class: 'metadata', 'data-section': 'metadata' }, known.map(cell));
}

/** Return the text of a value, with a link for each category that items can be filtered by. */
function categoryLinks(column, value) {
  if (!column?.values.length) return [String(value)];
  return String(value).split('|').flatMap((category, i) => [
    i ? ', ' : '',
    column.values.includes(category) ? el('a', { href: href(['items'], { where: `${column.name}=${category}` }) }, category) : category,
  ]);
}

function decomposition(item, summary) {
  if (item.raters_bias === null) return [el('p', { class: 'soft' }, 'The model was saved without its ratings, so the mean can’t be broken down.')];
  const terms = [
    { name: 'Average', note: 'what an average person gives an average item, mu', value: item.mu },
    { name: 'Bias', note: 'how much people like it, whatever their taste', value: item.bias },
    { name: 'Habits of its raters', note: 'whether they tend to rate high or low', value: item.raters_bias },
    { name: 'Tastes of its raters', note: 'how well it suits the people who rated it', value: item.raters_interaction },
    { name: 'Residual', note: 'what the model does not explain', value: item.residual },
  ];
  return [
    el('p', {}, comparison(item)),
    waterfall(terms, { name: 'Mean', note: 'of its ratings', value: item.mean }, summary.scale[0], summary.scale.at(-1), 'The mean as a sum'),
    el('p', { class: 'soft' }, `The bars start at ${short(summary.scale[0])}, the lowest rating.`),
  ];
}

/** Return a paragraph on why the mean and the bias of an item differ. */
function comparison(item) {
  const difference = item.mean - item.mu;
  const isAlike = Math.abs(difference - item.bias) < ALIKE && Math.abs(item.raters_bias) < ALIKE && Math.abs(item.raters_interaction) < ALIKE;
  const why = isAlike
    ? 'They are much the same: the people who rated it rate neither higher nor lower than most, and have no particular taste for it.'
    : `The mean depends on who rated it: how high its raters rate in general contributes ${signed(item.raters_bias)}, how well it suits their tastes ${signed(item.raters_interaction)}, and what the model does not explain ${signed(item.residual)}. The bias excludes all three: it is how much people like the item whatever their taste.`;
  return `Its mean is ${number(Math.abs(difference))} ${difference < 0 ? 'below' : 'above'} the average of ${number(item.mu)}; its bias is ${signed(item.bias)}. ${why}`
    + (item.reason ? ` Compared with other items: ${typeset(item.reason)}.` : '');
}

function positions({ axes }) {
  const max = 1.08 * Math.max(...axes.flatMap(({ position, lower, upper }) => [position, lower ?? 0, upper ?? 0].map(Math.abs)));
  const lines = axes.map((axis) => {
    const line = axisLine({ title: `Axis ${axis.axis}`, low: axis.low, high: axis.high, from: -max, to: max });
    line.set(axis);
    return line;
  });
  return [
    el('p', {}, 'The further an item is from the middle, the more it divides people: those on its side rate it higher, and those on the other side rate it lower.'),
    axisLines(lines),
  ];
}

function neighbours({ neighbours: found }) {
  if (!found.length) return el('p', { class: 'soft' }, 'There are none.');
  const hasIntervals = found.some(({ lower }) => lower !== null);
  const columns = [
    { name: 'Item', cell: (one) => [itemLink(one), one.sure === false && el('span', { class: 'tag' }, 'uncertain')] },
    { name: 'Similarity', cell: ({ similarity }) => number(similarity) },
    hasIntervals && { name: '90% interval', wide: true, cell: ({ lower, upper }) => between(lower, upper) },
    { wide: true, cell: ({ similarity, lower, upper }) => track(0, 1, similarity, lower, upper) },
    { name: 'Ratings', cell: ({ ratings }) => count(ratings) },
  ].filter(Boolean);
  return [
    el('p', {}, 'Similar items are liked and disliked by the same people. Similarity is the cosine of the angle between the factors of two items; 1 means the same direction.', hasIntervals && ' Items with the highest lower bound come first.'),
    table({ label: 'Similar items, and how similar', columns, rows: found }),
  ];
}

const alsoPicked = ({ also_picked: found }, { mean }) => [
  found.length > 0 && el('p', {}, 'What a person who picked this one would pick next, the likeliest first. They may like it less than this one.'),
  ranking(found, { note: (one) => followers({ ...one, mean }), none: 'Nothing is known of what else they pick.' }),
];
