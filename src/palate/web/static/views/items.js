import { ask, askOnce, idsWhere, latest } from '../api.js';
import { scrolling, track } from '../charts.js';
import { debounced, el, into, keepingFocus, say, trouble } from '../dom.js';
import { between, count, number, plural, signed, titles, typeset } from '../format.js';
import { colour, rangeOf, scatter } from '../plot.js';
import { go, href } from '../router.js';
import { pager } from './users.js';

const SIZE = 30;
const MOST_DRAWN = 4000;
const LEAST = [1, 5, 10, 20, 50, 100, 200, 500, 1000];
const COLUMNS = [
  { key: 'item', name: 'Item' },
  { key: 'ratings', name: 'Ratings' },
  { key: 'mean', name: 'Mean' },
  { key: 'bias', name: 'Bias' },
  { key: 'gap', name: 'Gap' },
];
const PRESETS = [
  { name: 'Highest bias', sort: 'bias', careful: 'lower', descending: true },
  { name: 'Lowest bias', sort: 'bias', careful: 'upper', descending: false },
  { name: 'Better than its mean', sort: 'gap', descending: true },
  { name: 'Worse than its mean', sort: 'gap', descending: false },
];

/** What the address says, with what it leaves out. */
function state(params) {
  return {
    sort: params.get('sort') ?? 'bias',
    descending: params.get('descending') !== 'false',
    search: params.get('search') ?? '',
    where: params.getAll('where'),
    least: Number(params.get('min_ratings') ?? 1),
    page: Number(params.get('page') ?? 1),
  };
}

const addressOf = ({ sort, descending, search, where, least, page }) =>
  href(['items'], { sort, descending: descending ? null : false, search, where, min_ratings: least > 1 ? least : null, page: page > 1 ? page : null });

export async function show(route, summary) {
  let now = state(route.params);
  const change = (more, replace = false) => go(addressOf({ ...now, page: 1, ...more }), { replace });
  const filters = filterForm(summary, change);
  const presets = el('div', { class: 'presets' });
  const results = el('div', { class: 'results', 'aria-busy': 'true' });
  const picture = chart(results);
  const only = latest();
  const redraw = async () => {
    filters.set(now);
    presets.replaceChildren(...presetLinks(now, summary, change));
    await into(results, only((signal) => found(now, summary, signal)));
  };
  const refresh = async () => {
    await keepingFocus(redraw, () => results.querySelector('.scroll'));
    picture.follow(now);
  };
  return {
    title: 'Items',
    lead: 'Bias is how much higher an item is rated than the average once the tastes and habits of its raters are accounted for: liked even by people who do not care for its kind. Gap is how many places it gains when ranked by bias in place of its mean.',
    body: [presets, filters.node, el('div', { class: 'split' }, results, picture.node)],
    mounted: () => {
      wire(results, picture);
      picture.start();
      refresh();
    },
    update: ({ params }) => {
      now = state(params);
      return refresh();
    },
    close: () => picture.close(),
  };
}

function presetLinks(now, { sure }, change) {
  const careful = now.sort === 'lower' || now.sort === 'upper';
  const chip = (preset) => {
    const sort = (careful && preset.careful) || preset.sort;
    const current = sort === now.sort && preset.descending === now.descending;
    return el('a', { class: 'chip', href: addressOf({ ...now, sort, descending: preset.descending, page: 1 }), 'aria-current': current ? 'true' : null, 'data-keep': preset.name }, preset.name);
  };
  const flip = (event) => change({ sort: !event.target.checked ? 'bias' : now.descending ? 'lower' : 'upper' });
  const toggle = el('label', { class: 'toggle' },
    el('input', { type: 'checkbox', name: 'cautious', 'data-keep': 'cautious', checked: careful, on: { change: flip } }),
    el('span', {}, 'Cautious order: by the near end of the interval'));
  const fits = sure && now.sort !== 'gap';
  return [el('nav', { class: 'chips-row', 'aria-label': 'Ready-made orders' }, ...PRESETS.map(chip)), ...(fits ? [toggle] : [])];
}

function filterForm({ columns }, change) {
  const field = (label, input, ...more) => el('div', { class: 'field' }, el('label', { for: input.id }, label), input, ...more);
  const search = el('input', { id: 'search', name: 'search', type: 'search', autocomplete: 'off' });
  search.addEventListener('input', debounced(200, () => change({ search: search.value.trim() }, true)));
  const least = el('select', { id: 'least', name: 'min_ratings', on: { change: () => change({ least: Number(least.value) }) } });
  const conditions = columns.map((column) => (column.values.length ? category : span)(column, () => change({ where: conditions.map(({ where }) => where()).filter(Boolean) })));
  const node = el('form', { class: 'filters', role: 'search', 'aria-label': 'Items', on: { submit: (event) => event.preventDefault() } },
    field('Search titles', search), field('Number of ratings', least), ...conditions.map((one) => one.node));
  const set = (now) => {
    if (document.activeElement !== search) search.value = now.search;
    const steps = [...new Set([...LEAST, now.least])].sort((a, b) => a - b);
    least.replaceChildren(...steps.map((n) => el('option', { value: n }, n === 1 ? 'any' : `at least ${count(n)}`)));
    least.value = now.least;
    conditions.forEach((one) => one.set(now.where));
  };
  return { node, set };
}

const label = (name) => name.charAt(0).toUpperCase() + name.slice(1);

function category({ name, values }, changed) {
  const id = `where-${name}`;
  const select = el('select', { id, name, on: { change: changed } }, el('option', { value: '' }, 'any'), ...values.map((value) => el('option', { value }, value)));
  return {
    node: el('div', { class: 'field' }, el('label', { for: id }, label(name)), select),
    where: () => select.value && `${name}=${select.value}`,
    set: (where) => {
      select.value = where.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
    },
  };
}

function span({ name, lowest, highest }, changed) {
  const later = debounced(400, changed);
  const input = (end, value) => el('input', { type: 'number', name: `${name}-${end}`, 'aria-label': `${label(name)} ${end}`, placeholder: value, step: 'any', on: { input: later } });
  const [from, to] = [input('from', lowest), input('to', highest)];
  return {
    node: el('fieldset', { class: 'field' }, el('legend', {}, label(name)), el('div', { class: 'span' }, from, el('span', { 'aria-hidden': 'true' }, 'to'), to)),
    where: () => (from.value || to.value) && `${name}=${from.value || lowest}..${to.value || highest}`,
    set: (where) => {
      if ([from, to].includes(document.activeElement)) return;
      const ends = where.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1).split('..') ?? [];
      [from.value, to.value] = [ends[0] ?? '', ends[1] ?? ends[0] ?? ''];
    },
  };
}

async function found(now, summary, signal) {
  const { sort, descending, search, where, least, page } = now;
  const query = [['sort', sort], ['descending', descending], ['search', search], ['min_ratings', least], ['page', page], ['size', SIZE], ...where.map((one) => ['where', one])];
  const { items, total } = await ask('items', { query, signal });
  say(plural(total, 'item'));
  const known = el('p', { class: 'soft', 'data-total': total }, plural(total, 'item'));
  if (!items.length) return [known, el('p', { class: 'note' }, 'Nothing meets all of these. Widen the filters.')];
  return [known, table(items, now, summary), pager({ page, pages: Math.ceil(total / SIZE), to: (n) => addressOf({ ...now, page: n }) })];
}

function table(items, now, { sure }) {
  const title = titles(items);
  const range = items.flatMap(({ bias, lower, upper }) => [bias, lower ?? bias, upper ?? bias]);
  const [low, high] = [Math.min(...range), Math.max(...range)];
  const row = (one) => el('tr', { 'data-item': one.id },
    el('th', { scope: 'row' }, el('a', { href: href(['item', one.id]) }, title(one)), now.sort === 'gap' && one.reason && el('small', {}, typeset(one.reason))),
    el('td', {}, count(one.ratings)), el('td', {}, number(one.mean)), el('td', {}, signed(one.bias)),
    el('td', {}, one.gap > 0 ? `+${count(one.gap)}` : count(one.gap).replace('-', '−')),
    sure && el('td', { class: 'wide' }, el('span', { class: 'unseen' }, between(one.lower, one.upper)), track(low, high, one.bias, one.lower, one.upper)));
  return scrolling('Table of items', el('table', { class: 'numbers sortable' },
    el('caption', { class: 'unseen' }, 'Items with their ratings, mean, bias and gap'),
    el('thead', {}, el('tr', {}, ...COLUMNS.map((column) => heading(column, now)), sure && el('th', { scope: 'col', class: 'wide' }, '90% interval'))),
    el('tbody', {}, ...items.map(row))));
}

function heading({ key, name }, now) {
  const by = key === 'bias' && ['lower', 'upper'].includes(now.sort) ? 'bias' : now.sort;
  const order = by === key ? (now.descending ? 'descending' : 'ascending') : null;
  const descending = by === key ? !now.descending : key !== 'item';
  const resort = () => go(addressOf({ ...now, sort: key, descending, page: 1 }));
  return el('th', { scope: 'col', 'aria-sort': order }, el('button', { type: 'button', 'data-sort': key, 'data-keep': `sort ${key}`, on: { click: resort } }, name, el('span', { 'aria-hidden': 'true', class: 'order' })));
}

/** Rows and points light up together. */
function wire(results, picture) {
  const over = (event) => picture.mark(event.target.closest('tr')?.dataset.item ?? null);
  for (const event of ['mouseover', 'focusin']) results.addEventListener(event, over);
  for (const event of ['mouseleave', 'focusout']) results.addEventListener(event, () => picture.mark(null));
}

function chart(results) {
  const box = el('div', { class: 'plot', role: 'img', 'aria-label': 'Every item by its mean rating and its bias; the table lists the same' });
  const note = el('p', { class: 'soft' });
  const node = el('figure', { class: 'side', 'data-chart': 'items' },
    el('div', { class: 'axis-y' }, 'Bias ↑'), box, el('div', { class: 'axis-x' }, 'Mean rating →'),
    el('figcaption', { class: 'soft' }, 'The larger the dot, the more ratings. Filled dots are in the table.'), note);
  let plot = null;
  let now = null;
  let all = [];
  let waiting = null;
  const light = (id) => {
    for (const row of results.querySelectorAll('tr[data-item]')) row.classList.toggle('lit', row.dataset.item === String(id));
    plot.mark(id);
  };
  const tell = ({ x, y, yLower, yUpper, ratings }) => [
    `Mean ${number(x)}, bias ${signed(y)}`, ...(yLower === null ? [] : [`90% interval ${between(yLower, yUpper)}`]), plural(ratings, 'rating')];

  const draw = async () => {
    if (!plot || !now) return;
    const mine = now;
    const ids = mine.where.length ? await idsWhere(mine.where, MOST_DRAWN) : null;
    if (mine !== now || !plot) return;
    const listed = new Set([...results.querySelectorAll('tr[data-item]')].map((row) => row.dataset.item));
    const text = mine.search.toLowerCase();
    const some = all.filter((one) => one.ratings >= mine.least && one.title.toLowerCase().includes(text) && (!ids || ids.has(one.id)));
    const [own, other] = [colour('--accent'), colour('--dot')];
    const points = some.map((one) => ({ ...one, faint: !listed.has(String(one.id)), colour: listed.has(String(one.id)) ? own : other }));
    points.sort((a, b) => b.faint - a.faint); // the filled ones on top
    await plot.set(points, { x: { range: rangeOf(all.map(({ x }) => x)) }, y: { range: rangeOf(all.map(({ y }) => y)) } });
  };
  const start = async () => {
    try {
      const map = await askOnce('map', { x: 'mean', y: 'bias' });
      all = toPoints(map.points.slice(0, MOST_DRAWN));
      if (map.points.length > MOST_DRAWN) note.textContent = `The ${count(MOST_DRAWN)} with most ratings are drawn.`;
      const made = await scatter(box, { tell, onHover: light, onPick: ({ id }) => go(href(['item', id])) });
      if (waiting === 'closed') return made.close();
      plot = made;
      plot.onColours = draw;
      return draw();
    } catch (error) {
      return box.replaceChildren(trouble(error));
    }
  };
  return {
    node,
    start,
    mark: (id) => plot?.mark(all.find((one) => String(one.id) === id)?.id ?? null),
    follow: (next) => {
      now = next;
      return draw();
    },
    close: () => {
      waiting = 'closed';
      plot?.close();
      plot = null;
    },
  };
}

/** The points of the service as those of a plot. */
export function toPoints(points) {
  const title = titles(points);
  const most = Math.max(...points.map(({ ratings }) => ratings), 1);
  return points.map((one) => ({
    id: one.id, title: title(one), ratings: one.ratings, x: one.x, y: one.y,
    xLower: one.x_lower, xUpper: one.x_upper, yLower: one.y_lower, yUpper: one.y_upper,
    size: 4 + 14 * Math.sqrt(one.ratings / most),
  }));
}
