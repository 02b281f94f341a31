import { latestOnly, request, requestBlob } from '../api.js';
import { track } from '../charts.js';
import { announce, el, preservingFocus, put, renderInto } from '../dom.js';
import { between, count, hasRatings, number, plural, signed, typeset } from '../format.js';
import { itemLink } from '../links.js';
import { mySummary, rateInPlace } from '../rate_in_place.js';
import { go, href } from '../router.js';
import { curl, downloadButton, literal, python, snippets } from '../snippets.js';
import { countLine, pageOf, pager, table } from '../table.js';
import { linkRowsToPoints, scatterChart } from './items_chart.js';
import { filterForm } from './items_filters.js';

const [PAGE_SIZE, MAX_PAGE_SIZE] = [30, 200];
const PRESETS = [
  { name: 'Highest bias', sort: 'bias', cautious: 'lower', descending: true },
  { name: 'Lowest bias', sort: 'bias', cautious: 'upper', descending: false },
  { name: 'Better than its mean', sort: 'gap', descending: true },
  { name: 'Worse than its mean', sort: 'gap', descending: false },
];

/** Return the state of the view from the parameters of its address, with defaults. */
function stateOf(params, summary) {
  const [byDefault, sort] = [hasRatings(summary) ? 'bias' : 'ratings', params.get('sort')];
  // A link may come from a model that knows more.
  const isKnown = sort && (hasRatings(summary) || ['item', 'ratings'].includes(sort));
  return {
    sort: isKnown ? sort : params.has('id') ? null : byDefault, // chosen items come in their order
    descending: params.get('descending') !== 'false',
    search: params.get('search') ?? '',
    where: params.getAll('where'),
    ids: params.getAll('id'),
    minRatings: Number(params.get('min_ratings') ?? 1),
    page: pageOf(params),
  };
}

const addressOf = ({ sort, descending, search, where, ids, minRatings, page }) =>
  href(['items'], { sort, descending: descending ? null : false, search, where, id: ids, min_ratings: minRatings > 1 ? minRatings : null, page: page > 1 ? page : null });

/** Return what the service is asked for, but for the page. */
const queryOf = ({ sort, descending, search, where, ids, minRatings }) =>
  [...(sort ? [['sort', sort]] : []), ['descending', descending], ['search', search], ['min_ratings', minRatings], ...where.map((condition) => ['where', condition]), ...ids.map((id) => ['id', id])];

export async function show(route, summary) {
  let current = stateOf(route.params, summary);
  const change = (changes, replace = false) => go(addressOf({ ...current, page: 1, ...changes }), { replace });
  const filters = filterForm(summary, change);
  const presets = el('div', { class: 'presets' });
  const results = el('div', { class: 'results' });
  const chart = hasRatings(summary) ? scatterChart(results) : null;
  const ways = el('div', {}, chart && presets, filters.node); // to other items; none, where the address names them
  const mine = mySummary(summary);
  const latest = latestOnly();
  const redraw = async () => {
    filters.set(current);
    ways.hidden = current.ids.length > 0;
    put(presets, presetLinks(current, summary, change));
    await renderInto(results, latest((signal) => resultList(current, summary, signal)));
  };
  const refresh = async () => {
    await preservingFocus(redraw, () => results.querySelector('.scroll'));
    chart?.update(current);
  };
  return {
    title: 'Items',
    lead: chart
      ? 'The bias of an item is how much higher it is rated than average, after allowing for the tastes and rating habits of the people who rated it. The gap is how many places it gains when items are ranked by bias instead of by mean.'
      : 'How many people picked each item. Open one to see what the same people pick.',
    body: [ways, mine.node, chart ? el('div', { class: 'split' }, results, chart.node) : results],
    mounted: () => {
      if (chart) linkRowsToPoints(results, chart);
      chart?.start();
      refresh();
    },
    update: ({ params }) => {
      current = stateOf(params, summary);
      return refresh();
    },
    close: () => {
      mine.close();
      chart?.close();
    },
  };
}

function presetLinks(state, { sure: hasIntervals }, change) {
  const cautious = state.sort === 'lower' || state.sort === 'upper';
  const chip = (preset) => {
    const sort = (cautious && preset.cautious) || preset.sort;
    const isCurrent = sort === state.sort && preset.descending === state.descending;
    return el('a', { class: 'chip', href: addressOf({ ...state, sort, descending: preset.descending, page: 1 }), 'aria-current': isCurrent ? 'true' : null, 'data-focus-key': preset.name }, preset.name);
  };
  const changed = (event) => change({ sort: !event.target.checked ? 'bias' : state.descending ? 'lower' : 'upper' });
  const toggle = el('label', { class: 'toggle' },
    el('input', { type: 'checkbox', name: 'cautious', 'data-focus-key': 'cautious', checked: cautious, on: { change: changed } }),
    el('span', {}, 'Cautious order: by the interval bound nearest zero'));
  return [el('nav', { class: 'chips-row', 'aria-label': 'Common orders' }, PRESETS.map(chip)), hasIntervals && state.sort !== 'gap' && toggle];
}

async function resultList(state, summary, signal) {
  const query = queryOf(state);
  const size = Math.min(MAX_PAGE_SIZE, Math.max(PAGE_SIZE, state.ids.length));
  const { items, total, unknown } = await request('items', { query: [...query, ['page', state.page], ['size', size]], signal });
  const pages = pager({ page: state.page, total, size, to: (n) => addressOf({ ...state, page: n }) });
  if (!pages) return undefined;
  announce(plural(total, 'item'));
  if (!total && !state.ids.length) return el('p', { class: 'note', 'data-total': 0 }, 'No item matches all of these filters. Try wider ones.');
  const isChosen = state.ids.length > 0;
  const all = isChosen && el('a', { href: addressOf({ ...state, ids: [], page: 1 }), 'data-focus-key': 'all' }, 'Show all items');
  return [
    countLine(total, isChosen ? 'chosen item' : 'item', all, downloadButton('items.csv', () => requestBlob('items.csv', query))),
    unknown.length > 0 && el('p', { class: 'note' }, `Not known here: ${unknown.join(', ')}.`),
    itemTable(items, state, summary),
    pages,
    el('p', { class: 'actions code' }, code(state, summary, query)),
  ];
}

function itemTable(items, state, summary) {
  const name = (one) => [itemLink(one), state.sort === 'gap' && one.reason && el('small', {}, typeset(one.reason)), rateInPlace(one, summary)];
  const columns = [
    { key: 'item', name: 'Item', ascending: true, cell: name },
    { key: 'ratings', name: hasRatings(summary) ? 'Ratings' : 'People', cell: (one) => count(one.ratings) },
    ...(hasRatings(summary) ? ratingColumns(items, summary) : []),
  ];
  return table({
    label: hasRatings(summary) ? 'Items with their ratings, mean, bias and gap' : 'Items with the number of people who picked them',
    columns,
    rows: items,
    sort: { key: ['lower', 'upper'].includes(state.sort) ? 'bias' : state.sort, descending: state.descending },
    onSort: ({ key, descending }) => go(addressOf({ ...state, sort: key, descending, page: 1 })),
  });
}

function ratingColumns(items, { sure: hasIntervals }) {
  const range = items.flatMap(({ bias, lower, upper }) => [bias, lower ?? bias, upper ?? bias]).filter((value) => value !== null);
  const [low, high] = [Math.min(...range), Math.max(...range)];
  const interval = (one) => [el('span', { class: 'visually-hidden' }, between(one.lower, one.upper)), track(low, high, one.bias, one.lower, one.upper)];
  return [
    { key: 'mean', name: 'Mean', cell: (one) => number(one.mean) },
    { key: 'bias', name: 'Bias', cell: (one) => signed(one.bias) },
    { key: 'gap', name: 'Gap', cell: (one) => (one.gap > 0 ? `+${count(one.gap)}` : count(one.gap).replace('-', '−')) },
    ...(hasIntervals ? [{ name: '90% interval', wide: true, cell: interval }] : []),
  ];
}

/** Buttons that copy the list as code; without ratings there is no table of biases in Python. */
function code(state, summary, query) {
  const asCurl = curl('items', { query: [...query, ['size', PAGE_SIZE], ['page', state.page]] });
  return snippets({ python: hasRatings(summary) && python(...biases(state)), curl: asCurl });
}

/** Return lines of Python that print the list. Ranks and gaps are among all items, so that those that match are chosen afterwards. */
function biases({ sort, descending, search, where, ids, minRatings }) {
  const conditions = where.map((condition) => condition.split(/=(.*)/s).slice(0, 2).map(literal).join(': '));
  const options = [minRatings > 1 && `min_ratings=${minRatings}`, conditions.length && `where={${conditions.join(', ')}}`].filter(Boolean).join(', ');
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return [
    (options || words.length || ids.length) && 'import polars',
    'items = model.biases("bias")',
    options && `some = model.biases("bias", ${options})["id"].to_list()`,
    options && 'items = items.filter(polars.col("id").is_in(some))',
    ids.length && `items = items.filter(polars.col("id").cast(polars.String).is_in([${ids.map(literal).join(', ')}]))`,
    ...words.map((word) => `items = items.filter(polars.col("item").str.to_lowercase().str.contains(${literal(word)}, literal=True))`),
    `print(items.sort(${literal(sort)}, descending=${descending ? 'True' : 'False'}, nulls_last=True))`,
  ].filter(Boolean);
}
