import { askOnce, idsWhere } from '../api.js';
import { itemCombobox } from '../combobox.js';
import { debounced, el, into, say, trouble } from '../dom.js';
import { between, coordinate, count, ends, number, plural } from '../format.js';
import { colour, rangeOf, scatter } from '../plot.js';
import { go, href } from '../router.js';
import { toPoints } from './items.js';

const MOST_DRAWN = 4000;
const MOST_LISTED = 60;
const LABELS = 44;
const MODES = [['pan', 'Move'], ['select', 'Box'], ['lasso', 'Lasso']];
const LOGARITHMIC = 'ratings';

export async function show(route, summary) {
  let now = state(route.params, summary);
  let plot = null;
  let drawn = [];
  let chosen = null;
  let closed = false;
  const change = (more) => go(href(['map'], { ...now, ...more }));
  const choose = (id, name, options) => el('select', { id, on: { change: (event) => change({ [name]: event.target.value }) } }, options());
  const coordinates = () => summary.coordinates.map((one) => el('option', { value: one }, coordinate(one, summary)));
  const selects = { x: choose('map-x', 'x', coordinates), y: choose('map-y', 'y', coordinates), colour: choose('map-colour', 'colour', () => colourings(summary)) };
  const box = el('div', { class: 'plot tall', role: 'img', 'aria-label': 'Map of the items; the list beside it names them' });
  const frame = el('div', { class: 'map-frame' });
  const legend = el('div', { class: 'map-legend' });
  const list = el('div', { class: 'map-list', 'data-list': 'map' });
  const note = el('p', { class: 'soft' });

  const field = (name, select) => el('div', { class: 'field' }, el('label', { for: select.id }, name), select);
  const search = itemCombobox({ label: 'Find a title', onPick: ({ id }) => fly(id) });
  const fly = async (id) => {
    if (chosen) await unselect(); // Plotly can't move with a selection drawn
    const point = drawn.find((one) => one.id === id);
    if (!point || !plot) return say('That item is not drawn');
    say(`${point.title} is marked`);
    now = { ...now, find: id };
    history.replaceState(null, '', href(['map'], now));
    plot.mark(id);
    return plot.fly(point);
  };
  const pressed = (button) => button.parentNode.querySelectorAll('[aria-pressed]').forEach((one) => one.setAttribute('aria-pressed', String(one === button)));
  const modes = MODES.map(([mode, name], i) => el('button', { type: 'button', 'data-mode': mode, 'aria-pressed': String(i === 0), on: { click: (event) => {
    pressed(event.currentTarget);
    plot?.mode(mode);
  } } }, name));
  const act = (name, sign, run) => el('button', { type: 'button', 'aria-label': name, on: { click: () => plot && run() } }, sign);
  const tools = el('div', { class: 'tools' },
    el('div', { class: 'segments', role: 'group', 'aria-label': 'What dragging does' }, ...modes),
    el('div', { class: 'segments', role: 'group', 'aria-label': 'Zoom' }, act('Zoom in', '+', () => plot.zoom(0.6)), act('Zoom out', '−', () => plot.zoom(1 / 0.6)), act('Show all', 'All', () => plot.reset())));

  const select = (points) => {
    chosen = points?.length ? points : null;
    listed(chosen ?? drawn);
    say(chosen ? `${plural(chosen.length, 'title')} selected` : 'Nothing selected');
  };
  const unselect = async () => {
    await plot.clear();
    select(null);
  };
  const listed = (points) => {
    const sorted = [...points].sort((a, b) => b.ratings - a.ratings);
    const row = (point) => el('li', { 'data-item': point.id }, el('a', { href: href(['item', point.id]) }, point.title), el('small', {}, plural(point.ratings, 'rating')));
    const heading = chosen ? `${plural(points.length, 'title')} selected` : `${plural(points.length, 'title')} in view`;
    const more = sorted.length > MOST_LISTED ? el('p', { class: 'soft' }, `Those with most ratings; ${count(sorted.length - MOST_LISTED)} more.`) : '';
    list.replaceChildren(el('h2', {}, heading),
      chosen ? el('button', { type: 'button', class: 'link', on: { click: unselect } }, 'Clear the selection') : '',
      el('ul', { tabindex: 0, 'aria-label': heading }, ...sorted.slice(0, MOST_LISTED).map(row)), more);
  };
  const relist = debounced(120, (points) => !chosen && !closed && listed(points));
  const over = (event) => plot?.mark(drawn.find(({ id }) => String(id) === event.target.closest('li')?.dataset.item)?.id ?? now.find);
  for (const event of ['mouseover', 'focusin']) list.addEventListener(event, over);

  const tell = (point) => {
    const value = (name, x, lower, upper) => `${coordinate(name, summary).split(':')[0]} ${number(x)}${lower === null ? '' : ` (${between(lower, upper)})`}`;
    return [value(now.x, point.x, point.xLower, point.xUpper), value(now.y, point.y, point.yLower, point.yUpper), plural(point.ratings, 'rating')];
  };
  const draw = async () => {
    for (const [name, one] of Object.entries(selects)) one.value = now[name];
    const { x, y } = now;
    const [map, shades] = await Promise.all([askOnce('map', { x, y }), coloured(now.colour, summary)]);
    if (!plot || now.x !== x || now.y !== y) return;
    const on = (name) => (name === LOGARITHMIC ? 'log' : 'linear');
    drawn = toPoints(map.points.slice(0, MOST_DRAWN)).map((point) => ({ ...point, ...shades.of(point.id) }));
    note.textContent = map.points.length > MOST_DRAWN ? `The ${count(MOST_DRAWN)} with most ratings are drawn.` : '';
    const full = { x: rangeOf(drawn.map((one) => one.x), x === LOGARITHMIC), y: rangeOf(drawn.map((one) => one.y), y === LOGARITHMIC) };
    frame.replaceChildren(edge('y', ends(y, summary), coordinate(y, summary)), box, edge('x', ends(x, summary), coordinate(x, summary)));
    legend.replaceChildren(...shades.legend);
    chosen = null;
    await plot.set([...drawn].reverse(), { x: { range: full.x, type: on(x) }, y: { range: full.y, type: on(y) }, full });
    const found = drawn.find(({ id }) => String(id) === String(now.find));
    plot.mark(found?.id ?? null);
  };
  frame.append(box);

  return {
    title: 'Map',
    lead: 'Every dot is an item, larger with more ratings. On two axes of taste, items near each other are liked by the same people.',
    body: [
      el('form', { class: 'filters', 'aria-label': 'What the map shows', on: { submit: (event) => event.preventDefault() } },
        field('Across', selects.x), field('Up', selects.y), field('Colour', selects.colour), el('div', { class: 'field' }, search.node)),
      el('div', { class: 'split map' }, el('div', {}, tools, frame, legend, note), list),
    ],
    mounted: async () => {
      try {
        const made = await scatter(box, { drag: 'pan', labels: LABELS, tell, onPick: ({ id }) => go(href(['item', id])), onView: relist, onSelect: select });
        if (closed) return made.close();
        plot = made;
        plot.onColours = draw;
        return await draw();
      } catch (error) {
        return box.replaceChildren(trouble(error));
      }
    },
    update: ({ params }) => {
      now = state(params, summary);
      return into(note, draw());
    },
    close: () => {
      closed = true;
      plot?.close();
    },
  };
}

function state(params, { coordinates }) {
  const named = (name, otherwise) => (coordinates.includes(params.get(name)) ? params.get(name) : otherwise);
  const [first, second = first] = coordinates;
  return { x: named('x', first), y: named('y', second), colour: params.get('colour') ?? 'bias', find: params.get('find') };
}

function colourings({ columns }) {
  const values = columns.filter((one) => one.lowest !== null).map(({ name }) => name);
  const shade = ['bias', 'ratings', ...values].map((name) => el('option', { value: name }, coordinate(name, { axes: [] })));
  const groups = columns.filter((one) => one.values.length).map(({ name, values: some }) =>
    el('optgroup', { label: coordinate(name, { axes: [] }) }, ...some.map((value) => el('option', { value: `${name}=${value}` }, value))));
  return [...shade, ...groups];
}

/** How items are coloured: by a number, or those of a category against all others. */
async function coloured(by, summary) {
  const key = (background, text) => el('span', { class: 'swatch' }, el('i', { style: { background } }), text);
  if (by.includes('=')) {
    const ids = await idsWhere([by], MOST_DRAWN);
    const [own, other] = [colour('--accent'), colour('--dot')];
    return {
      of: (id) => (ids.has(id) ? { colour: own } : { colour: other, faint: true }),
      legend: [key(own, by.slice(by.indexOf('=') + 1)), key(other, 'others')],
    };
  }
  const { points } = await askOnce('map', { x: by, y: LOGARITHMIC });
  const log = by === LOGARITHMIC;
  const values = new Map(points.map(({ id, x }) => [id, log ? Math.log10(x) : x]));
  const sorted = [...values.values()].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor(0.02 * sorted.length)], sorted[Math.floor(0.98 * sorted.length)]];
  const stops = by === 'bias' ? ['--against', '--middle', '--accent'] : ['--pale', '--accent'];
  const hexes = stops.map(colour);
  const tell = (v) => (log ? count(Math.round(10 ** v)) : by === 'bias' ? number(v) : String(Math.round(v)));
  const bar = el('span', { class: 'ramp', style: { background: `linear-gradient(to right, ${hexes.join(', ')})` } });
  return {
    of: (id) => ({ colour: values.has(id) ? ramp(hexes, (values.get(id) - low) / (high - low || 1)) : colour('--dot') }),
    legend: [el('span', {}, coordinate(by, summary)), el('span', {}, tell(low)), bar, el('span', {}, tell(high))],
  };
}

function ramp(hexes, share) {
  const place = Math.min(0.9999, Math.max(0, share)) * (hexes.length - 1);
  const [from, to] = [hexes[Math.floor(place)], hexes[Math.floor(place) + 1]].map(channels);
  return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * (place % 1))).join(',')})`;
}

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function edge(side, { low, high }, name) {
  return el('div', { class: `edge ${side}` }, el('span', {}, low), el('strong', {}, name.split(':')[0]), el('span', {}, high));
}
