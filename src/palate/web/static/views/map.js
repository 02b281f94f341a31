import { matchingIds, requestCached } from '../api.js';
import { itemCombobox } from '../combobox.js';
import { announce, debounced, el, errorNote } from '../dom.js';
import { PICKS_ONLY, between, coordinate, count, ends, hasRatings, number, plural } from '../format.js';
import { colour, rangeOf, scatter } from '../plot.js';
import { go, href } from '../router.js';
import { toPoints } from './items_chart.js';

const MAX_DRAWN = 4000;
const MAX_LISTED = 60;
const MAX_LABELS = 44;
const DRAG_MODES = [['pan', 'Move'], ['select', 'Box'], ['lasso', 'Lasso']];
// The coordinate that is drawn on a logarithmic scale.
const LOGARITHMIC = 'ratings';

export async function show(route, summary) {
  if (!hasRatings(summary)) return { title: 'Map', body: [el('p', { class: 'note' }, PICKS_ONLY)] };
  let current = state(route.params, summary);
  let plot = null;
  let drawn = [];
  let selected = null;
  let isClosed = false;
  const change = (changes) => go(href(['map'], { ...current, ...changes }));
  const selectField = (id, name, options) => el('select', { id, on: { change: (event) => change({ [name]: event.target.value }) } }, options());
  const coordinates = () => summary.coordinates.map((name) => el('option', { value: name }, coordinate(name, summary)));
  const selects = { x: selectField('map-x', 'x', coordinates), y: selectField('map-y', 'y', coordinates), colour: selectField('map-colour', 'colour', () => colourOptions(summary)) };
  const box = el('div', { class: 'plot tall', role: 'img', 'aria-busy': 'true', 'aria-label': 'Map of the items; the list next to it names them' });
  const frame = el('div', { class: 'map-frame' });
  const legend = el('div', { class: 'map-legend' });
  const list = el('div', { class: 'map-list', 'data-list': 'map' });
  const note = el('p', { class: 'soft' });

  const field = (name, select) => el('div', { class: 'field' }, el('label', { for: select.id }, name), select);
  const search = itemCombobox({ label: 'Find a title', onPick: ({ id }) => reveal(id) });
  const reveal = async (id) => {
    if (selected) await clearSelection(); // Plotly can't animate while a selection is drawn
    const point = drawn.find((candidate) => candidate.id === id);
    if (!point || !plot) return announce('That item is not on the map');
    announce(`${point.title} is marked`);
    current = { ...current, find: id };
    history.replaceState(null, '', href(['map'], current));
    plot.mark(id);
    return plot.zoomTo(point);
  };
  const press = (button) => button.parentNode.querySelectorAll('[aria-pressed]').forEach((other) => other.setAttribute('aria-pressed', String(other === button)));
  const modes = DRAG_MODES.map(([mode, name], i) => el('button', { type: 'button', 'data-mode': mode, 'aria-pressed': String(i === 0), on: { click: (event) => {
    press(event.currentTarget);
    plot?.setDragMode(mode);
  } } }, name));
  const tool = (name, symbol, run) => el('button', { type: 'button', 'aria-label': name, on: { click: () => plot && run() } }, symbol);
  const tools = el('div', { class: 'tools' },
    el('div', { class: 'segments', role: 'group', 'aria-label': 'What dragging does' }, ...modes),
    el('div', { class: 'segments', role: 'group', 'aria-label': 'Zoom' }, tool('Zoom in', '+', () => plot.zoom(0.6)), tool('Zoom out', '−', () => plot.zoom(1 / 0.6)), tool('Show all', 'All', () => plot.reset())));

  const select = (points) => {
    selected = points?.length ? points : null;
    updateList(selected ?? drawn);
    announce(selected ? `${plural(selected.length, 'title')} selected` : 'Nothing selected');
  };
  const clearSelection = async () => {
    await plot.clearSelection();
    select(null);
  };
  const updateList = (points) => {
    const sorted = [...points].sort((a, b) => b.ratings - a.ratings);
    const row = (point) => el('li', { 'data-item': point.id }, el('a', { href: href(['item', point.id]) }, point.title), el('small', {}, plural(point.ratings, 'rating')));
    const heading = selected ? `${plural(points.length, 'title')} selected` : `${plural(points.length, 'title')} in view`;
    const more = sorted.length > MAX_LISTED ? el('p', { class: 'soft' }, `The items with the most ratings; ${count(sorted.length - MAX_LISTED)} more are not listed.`) : '';
    list.replaceChildren(el('h2', {}, heading),
      selected ? el('button', { type: 'button', class: 'link', on: { click: clearSelection } }, 'Clear the selection') : '',
      el('ul', { tabindex: 0, 'aria-label': heading }, ...sorted.slice(0, MAX_LISTED).map(row)), more);
  };
  const updateListLater = debounced(120, (points) => !selected && !isClosed && updateList(points));
  const mark = (event) => plot?.mark(drawn.find(({ id }) => String(id) === event.target.closest('li')?.dataset.item)?.id ?? current.find);
  for (const event of ['mouseover', 'focusin']) list.addEventListener(event, mark);

  const tooltip = (point) => {
    const value = (name, x, lower, upper) => `${coordinate(name, summary).split(':')[0]} ${number(x)}${lower === null ? '' : ` (${between(lower, upper)})`}`;
    return [value(current.x, point.x, point.xLower, point.xUpper), value(current.y, point.y, point.yLower, point.yUpper), plural(point.ratings, 'rating')];
  };
  const draw = async () => {
    for (const [name, field] of Object.entries(selects)) field.value = current[name];
    const { x, y } = current;
    const [map, colouring] = await Promise.all([requestCached('map', { x, y }), colouringBy(current.colour, summary)]);
    if (!plot || current.x !== x || current.y !== y) return;
    const type = (name) => (name === LOGARITHMIC ? 'log' : 'linear');
    drawn = toPoints(map.points.slice(0, MAX_DRAWN)).map((point) => ({ ...point, ...colouring.of(point.id) }));
    note.textContent = map.points.length > MAX_DRAWN ? `Only the ${count(MAX_DRAWN)} items with the most ratings are drawn.` : '';
    const full = { x: rangeOf(drawn.map((one) => one.x), x === LOGARITHMIC), y: rangeOf(drawn.map((one) => one.y), y === LOGARITHMIC) };
    frame.replaceChildren(axisLabel('y', ends(y, summary), coordinate(y, summary)), box, axisLabel('x', ends(x, summary), coordinate(x, summary)));
    legend.replaceChildren(...colouring.legend);
    selected = null;
    await plot.set([...drawn].reverse(), { x: { range: full.x, type: type(x) }, y: { range: full.y, type: type(y) }, full });
    const found = drawn.find(({ id }) => String(id) === String(current.find));
    plot.mark(found?.id ?? null);
  };
  frame.append(box);

  return {
    title: 'Map',
    lead: 'Every dot is an item; larger dots have more ratings. On two axes of taste, items near each other are liked by the same people.',
    body: [
      el('form', { class: 'filters', 'aria-label': 'What the map shows', on: { submit: (event) => event.preventDefault() } },
        field('Horizontal', selects.x), field('Vertical', selects.y), field('Colour', selects.colour), el('div', { class: 'field' }, search.node)),
      el('div', { class: 'split map' }, el('div', {}, tools, frame, legend, note), list),
    ],
    mounted: async () => {
      try {
        const created = await scatter(box, { drag: 'pan', labels: MAX_LABELS, tooltip, onPick: ({ id }) => go(href(['item', id])), onView: updateListLater, onSelect: select });
        if (isClosed) return created.close();
        plot = created;
        plot.onColours = draw;
        return await draw();
      } catch (error) {
        return box.replaceChildren(errorNote(error));
      } finally {
        box.removeAttribute('aria-busy');
      }
    },
    update: async ({ params }) => {
      current = state(params, summary);
      try {
        await draw();
      } catch (error) {
        note.replaceChildren(errorNote(error));
      }
    },
    close: () => {
      isClosed = true;
      plot?.close();
    },
  };
}

function state(params, { coordinates }) {
  const valid = (name, fallback) => (coordinates.includes(params.get(name)) ? params.get(name) : fallback);
  const [first, second = first] = coordinates;
  return { x: valid('x', first), y: valid('y', second), colour: params.get('colour') ?? 'bias', find: params.get('find') };
}

function colourOptions({ columns }) {
  const numeric = columns.filter((column) => column.lowest !== null).map(({ name }) => name);
  const numbers = ['bias', 'ratings', ...numeric].map((name) => el('option', { value: name }, coordinate(name, { axes: [] })));
  const groups = columns.filter((column) => column.values.length).map(({ name, values }) =>
    el('optgroup', { label: coordinate(name, { axes: [] }) }, ...values.map((value) => el('option', { value: `${name}=${value}` }, value))));
  return [...numbers, ...groups];
}

/** Return the colours of items and their legend: by a number, or one category against the others. */
async function colouringBy(by, summary) {
  const swatch = (background, text) => el('span', { class: 'swatch' }, el('i', { style: { background } }), text);
  if (by.includes('=')) {
    const ids = await matchingIds([by], MAX_DRAWN);
    const [inside, outside] = [colour('--accent'), colour('--dot')];
    return {
      of: (id) => (ids.has(id) ? { colour: inside } : { colour: outside, faint: true }),
      legend: [swatch(inside, by.slice(by.indexOf('=') + 1)), swatch(outside, 'others')],
    };
  }
  const { points } = await requestCached('map', { x: by, y: LOGARITHMIC });
  const log = by === LOGARITHMIC;
  const values = new Map(points.map(({ id, x }) => [id, log ? Math.log10(x) : x]));
  const sorted = [...values.values()].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor(0.02 * sorted.length)], sorted[Math.floor(0.98 * sorted.length)]];
  const stops = by === 'bias' ? ['--against', '--middle', '--accent'] : ['--pale', '--accent'];
  const colours = stops.map(colour);
  const text = (v) => (log ? count(Math.round(10 ** v)) : by === 'bias' ? number(v) : String(Math.round(v)));
  const bar = el('span', { class: 'ramp', style: { background: `linear-gradient(to right, ${colours.join(', ')})` } });
  return {
    of: (id) => ({ colour: values.has(id) ? interpolate(colours, (values.get(id) - low) / (high - low || 1)) : colour('--dot') }),
    legend: [el('span', {}, coordinate(by, summary)), el('span', {}, text(low)), bar, el('span', {}, text(high))],
  };
}

/** Return the colour at a fraction of the way through a list of hexadecimal colours. */
function interpolate(colours, fraction) {
  const position = Math.min(0.9999, Math.max(0, fraction)) * (colours.length - 1);
  const [from, to] = [colours[Math.floor(position)], colours[Math.floor(position) + 1]].map(channels);
  return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * (position % 1))).join(',')})`;
}

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** Return the label along one side of the map, with the names of the two ends. */
function axisLabel(side, { low, high }, name) {
  return el('div', { class: `edge ${side}` }, el('span', {}, low), el('strong', {}, name.split(':')[0]), el('span', {}, high));
}
