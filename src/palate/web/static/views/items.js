import { latestOnly, matchingIds, request, requestCached } from '../api.js';
import { scrolling, track } from '../charts.js';
import { announce, debounced, el, errorNote, preservingFocus, renderInto } from '../dom.js';
import { between, capitalized, count, hasRatings, number, plural, signed, titles, typeset } from '../format.js';
import { mapPoints } from '../map/points.js';
import { colour, rangeOf, scatter } from '../plot.js';
import { go, href } from '../router.js';
import { pager } from './users.js';

const PAGE_SIZE = 30;
const MIN_RATINGS = [1, 5, 10, 20, 50, 100, 200, 500, 1000];
const COLUMNS = [
  { key: 'item', name: 'Item' },
  { key: 'ratings', name: 'Ratings' },
  { key: 'mean', name: 'Mean' },
  { key: 'bias', name: 'Bias' },
  { key: 'gap', name: 'Gap' },
];
// A model without ratings knows only how many people picked an item.
const PICKED_COLUMNS = [{ key: 'item', name: 'Item' }, { key: 'ratings', name: 'People' }];
const PRESETS = [
  { name: 'Highest bias', sort: 'bias', cautious: 'lower', descending: true },
  { name: 'Lowest bias', sort: 'bias', cautious: 'upper', descending: false },
  { name: 'Better than its mean', sort: 'gap', descending: true },
  { name: 'Worse than its mean', sort: 'gap', descending: false },
];

/** Return the state of the view from the parameters of its address, with defaults. */
function state(params, summary) {
  return {
    sort: params.get('sort') ?? (hasRatings(summary) ? 'bias' : 'ratings'),
    descending: params.get('descending') !== 'false',
    search: params.get('search') ?? '',
    where: params.getAll('where'),
    ids: params.getAll('id'),
    minRatings: Number(params.get('min_ratings') ?? 1),
    page: Number(params.get('page') ?? 1),
  };
}

const addressOf = ({ sort, descending, search, where, ids, minRatings, page }) =>
  href(['items'], { sort, descending: descending ? null : false, search, where, id: ids, min_ratings: minRatings > 1 ? minRatings : null, page: page > 1 ? page : null });

export async function show(route, summary) {
  let current = state(route.params, summary);
  const change = (changes, replace = false) => go(addressOf({ ...current, page: 1, ...changes }), { replace });
  const filters = filterForm(summary, change);
  const presets = el('div', { class: 'presets' });
  const results = el('div', { class: 'results' });
  const chart = hasRatings(summary) ? scatterChart(results) : null;
  const latest = latestOnly();
  const redraw = async () => {
    filters.set(current);
    if (chart) presets.replaceChildren(...presetLinks(current, summary, change));
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
    body: chart ? [presets, filters.node, el('div', { class: 'split' }, results, chart.node)] : [filters.node, results],
    mounted: () => {
      if (chart) linkRowsToPoints(results, chart);
      chart?.start();
      refresh();
    },
    update: ({ params }) => {
      current = state(params, summary);
      return refresh();
    },
    close: () => chart?.close(),
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
  const hasToggle = hasIntervals && state.sort !== 'gap';
  return [el('nav', { class: 'chips-row', 'aria-label': 'Common orders' }, ...PRESETS.map(chip)), ...(hasToggle ? [toggle] : [])];
}

function filterForm(summary, change) {
  const field = (label, input) => el('div', { class: 'field' }, el('label', { for: input.id }, label), input);
  const search = el('input', { id: 'search', name: 'search', type: 'search', autocomplete: 'off' });
  search.addEventListener('input', debounced(200, () => change({ search: search.value.trim() }, true)));
  const minRatings = el('select', { id: 'min-ratings', name: 'min_ratings', on: { change: () => change({ minRatings: Number(minRatings.value) }) } });
  const conditions = summary.columns.map((column) => (column.values.length ? categoryFilter : rangeFilter)(column, () => change({ where: conditions.map(({ where }) => where()).filter(Boolean) })));
  const node = el('form', { class: 'filters', role: 'search', 'aria-label': 'Items', on: { submit: (event) => event.preventDefault() } },
    field('Search titles', search), field(hasRatings(summary) ? 'Number of ratings' : 'Number of people', minRatings), ...conditions.map((condition) => condition.node));
  const set = (state) => {
    if (document.activeElement !== search) search.value = state.search;
    const choices = [...new Set([...MIN_RATINGS, state.minRatings])].sort((a, b) => a - b);
    minRatings.replaceChildren(...choices.map((n) => el('option', { value: n }, n === 1 ? 'any' : `at least ${count(n)}`)));
    minRatings.value = state.minRatings;
    conditions.forEach((condition) => condition.set(state.where));
  };
  return { node, set };
}

function categoryFilter({ name, values }, changed) {
  const id = `where-${name}`;
  const select = el('select', { id, name, on: { change: changed } }, el('option', { value: '' }, 'any'), ...values.map((value) => el('option', { value }, value)));
  return {
    node: el('div', { class: 'field' }, el('label', { for: id }, capitalized(name)), select),
    where: () => select.value && `${name}=${select.value}`,
    set: (where) => {
      select.value = where.find((condition) => condition.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
    },
  };
}

function rangeFilter({ name, lowest, highest }, changed) {
  const changedLater = debounced(400, changed);
  const input = (end, value) => el('input', { type: 'number', name: `${name}-${end}`, 'aria-label': `${capitalized(name)} ${end}`, placeholder: value, step: 'any', on: { input: changedLater } });
  const [from, to] = [input('from', lowest), input('to', highest)];
  return {
    node: el('fieldset', { class: 'field' }, el('legend', {}, capitalized(name)), el('div', { class: 'span' }, from, el('span', { 'aria-hidden': 'true' }, 'to'), to)),
    where: () => (from.value || to.value) && `${name}=${from.value || lowest}..${to.value || highest}`,
    set: (where) => {
      if ([from, to].includes(document.activeElement)) return;
      const ends = where.find((condition) => condition.startsWith(`${name}=`))?.slice(name.length + 1).split('..') ?? [];
      [from.value, to.value] = [ends[0] ?? '', ends[1] ?? ends[0] ?? ''];
    },
  };
}

async function resultList(state, summary, signal) {
  const { sort, descending, search, where, ids, minRatings, page } = state;
  const query = [['sort', sort], ['descending', descending], ['search', search], ['min_ratings', minRatings], ['page', page], ['size', PAGE_SIZE], ...where.map((condition) => ['where', condition]), ...ids.map((id) => ['id', id])];
  const { items, total } = await request('items', { query, signal });
  announce(plural(total, 'item'));
  const summaryLine = el('p', { class: 'soft', 'data-total': total }, plural(total, 'item'));
  if (!items.length) return [summaryLine, el('p', { class: 'note' }, 'No item matches all of these filters. Try wider ones.')];
  return [summaryLine, table(items, state, summary), pager({ page, pages: Math.ceil(total / PAGE_SIZE), to: (n) => addressOf({ ...state, page: n }) })];
}

function table(items, state, summary) {
  const [title, hasIntervals] = [titles(items), summary.sure];
  if (!hasRatings(summary)) return pickedTable(items, state, title);
  const range = items.flatMap(({ bias, lower, upper }) => [bias, lower ?? bias, upper ?? bias]);
  const [low, high] = [Math.min(...range), Math.max(...range)];
  const row = (one) => el('tr', { 'data-item': one.id },
    el('th', { scope: 'row' }, el('a', { href: href(['item', one.id]) }, title(one)), state.sort === 'gap' && one.reason && el('small', {}, typeset(one.reason))),
    el('td', {}, count(one.ratings)), el('td', {}, number(one.mean)), el('td', {}, signed(one.bias)),
    el('td', {}, one.gap > 0 ? `+${count(one.gap)}` : count(one.gap).replace('-', '−')),
    hasIntervals && el('td', { class: 'wide' }, el('span', { class: 'visually-hidden' }, between(one.lower, one.upper)), track(low, high, one.bias, one.lower, one.upper)));
  return scrolling('Table of items', el('table', { class: 'numbers sortable' },
    el('caption', { class: 'visually-hidden' }, 'Items with their ratings, mean, bias and gap'),
    el('thead', {}, el('tr', {}, ...COLUMNS.map((column) => heading(column, state)), hasIntervals && el('th', { scope: 'col', class: 'wide' }, '90% interval'))),
    el('tbody', {}, ...items.map(row))));
}

function pickedTable(items, state, title) {
  const row = (one) => el('tr', { 'data-item': one.id },
    el('th', { scope: 'row' }, el('a', { href: href(['item', one.id]) }, title(one))), el('td', {}, count(one.ratings)));
  return scrolling('Table of items', el('table', { class: 'numbers sortable picked' },
    el('caption', { class: 'visually-hidden' }, 'Items with the number of people who picked them'),
    el('thead', {}, el('tr', {}, ...PICKED_COLUMNS.map((column) => heading(column, state)))),
    el('tbody', {}, ...items.map(row))));
}

function heading({ key, name }, state) {
  const sortKey = ['lower', 'upper'].includes(state.sort) ? 'bias' : state.sort;
  const order = sortKey === key ? (state.descending ? 'descending' : 'ascending') : null;
  const descending = sortKey === key ? !state.descending : key !== 'item';
  const resort = () => go(addressOf({ ...state, sort: key, descending, page: 1 }));
  return el('th', { scope: 'col', 'aria-sort': order }, el('button', { type: 'button', 'data-sort': key, 'data-focus-key': `sort ${key}`, on: { click: resort } }, name, el('span', { 'aria-hidden': 'true', class: 'sort-arrow' })));
}

/** Mark the point of the row that has the pointer or the focus. */
function linkRowsToPoints(results, chart) {
  const mark = (event) => chart.mark(event.target.closest('tr')?.dataset.item ?? null);
  for (const event of ['mouseover', 'focusin']) results.addEventListener(event, mark);
  for (const event of ['mouseleave', 'focusout']) results.addEventListener(event, () => chart.mark(null));
}

/** The scatter plot of all items beside the table. */
function scatterChart(results) {
  const box = el('div', { class: 'plot', role: 'img', 'aria-busy': 'true', 'aria-label': 'Every item by mean rating and bias; the table lists the same items' });
  const node = el('figure', { class: 'side', 'data-chart': 'items' },
    el('div', { class: 'axis-y' }, 'Bias ↑'), box, el('div', { class: 'axis-x' }, 'Mean rating →'),
    el('figcaption', { class: 'soft' }, 'Larger dots have more ratings. Highlighted dots are in the table.'));
  let plot = null;
  let current = null;
  let all = [];
  let isClosed = false;
  const highlightRow = (id) => {
    for (const row of results.querySelectorAll('tr[data-item]')) row.classList.toggle('highlighted', row.dataset.item === String(id));
    plot.mark(id);
  };
  const tooltip = ({ x, y, yLower, yUpper, ratings }) => [
    `Mean ${number(x)}, bias ${signed(y)}`, ...(yLower === null ? [] : [`90% interval ${between(yLower, yUpper)}`]), plural(ratings, 'rating')];

  const draw = async () => {
    if (!plot || !current) return;
    const state = current;
    const ids = state.where.length ? await matchingIds(state.where) : null;
    if (state !== current || !plot) return;
    const listed = new Set([...results.querySelectorAll('tr[data-item]')].map((row) => row.dataset.item));
    const text = state.search.toLowerCase();
    const matching = all.filter((one) => one.ratings >= state.minRatings && one.title.toLowerCase().includes(text) && (!ids || ids.has(one.id)));
    const [listedColour, otherColour] = [colour('--accent'), colour('--dot')];
    const points = matching.map((one) => ({ ...one, faint: !listed.has(String(one.id)), colour: listed.has(String(one.id)) ? listedColour : otherColour }));
    points.sort((a, b) => b.faint - a.faint); // the listed ones last, so that they are on top
    await plot.set(points, { x: { range: rangeOf(all.map(({ x }) => x)) }, y: { range: rangeOf(all.map(({ y }) => y)) } });
  };
  const start = async () => {
    try {
      const map = await requestCached('map', { x: 'mean', y: 'bias' });
      all = mapPoints(map);
      const created = await scatter(box, { tooltip, onHover: highlightRow, onPick: ({ id }) => go(href(['item', id])) });
      if (isClosed) return created.close();
      plot = created;
      plot.onColours = draw;
      return await draw();
    } catch (error) {
      return box.replaceChildren(errorNote(error));
    } finally {
      box.removeAttribute('aria-busy');
    }
  };
  return {
    node,
    start,
    mark: (id) => plot?.mark(all.find((one) => String(one.id) === id)?.id ?? null),
    update: (state) => {
      current = state;
      return draw();
    },
    close: () => {
      isClosed = true;
      plot?.close();
      plot = null;
    },
  };
}
