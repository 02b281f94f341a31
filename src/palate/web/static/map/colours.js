import { matchingIds, request, requestCached } from '../api.js';
import { el } from '../dom.js';
import { coordinate, count, number } from '../format.js';
import { myPerson } from '../my_ratings.js';
import { colour } from '../plot.js';
import { channels } from '../plot/points.js';

export const MINE = 'expected';
const SHADES = 64;

/** Return the options for what the items are coloured by. */
export function colourOptions({ columns }) {
  const numeric = columns.filter((column) => column.lowest !== null).map(({ name }) => name);
  const numbers = ['bias', 'ratings', ...numeric].map((name) => el('option', { value: name }, coordinate(name, { axes: [] })));
  const groups = columns.filter((column) => column.values.length).map(({ name, values }) =>
    el('optgroup', { label: coordinate(name, { axes: [] }) }, ...values.map((value) => el('option', { value: `${name}=${value}` }, value))));
  return [...numbers, el('option', { value: MINE }, 'My expected rating'), ...groups];
}

/** Return the colours of items, of(id) -> {colour, faint}, and their legend. */
export async function colouringBy(by, summary) {
  if (by.includes('=')) return byCategory(by);
  if (by === MINE) {
    const { id, prediction } = await request('predictions', { body: myPerson(summary) });
    const expected = new Map(id.map((one, i) => [one, prediction[i]]));
    const colouring = ramp('My expected rating', id, prediction, ['--against', '--middle', '--accent'], (v) => number(v, 1));
    return { ...colouring, text: (one) => number(expected.get(one), 1) };
  }
  const { columns } = await requestCached('map', { x: by, y: 'ratings' });
  const name = coordinate(by, summary);
  if (by === 'bias') return ramp(name, columns.id, columns.x, ['--against', '--middle', '--accent'], (v) => number(v));
  if (by === 'ratings') return ramp(name, columns.id, columns.x.map(Math.log10), ['--pale', '--accent'], (v) => count(Math.round(10 ** v)));
  return ramp(name, columns.id, columns.x, ['--pale', '--accent'], (v) => String(Math.round(v)));
}

/** One category against the others. */
async function byCategory(by) {
  const ids = await matchingIds({ where: [by] });
  const [inside, outside] = [colour('--accent'), colour('--dot')];
  return {
    of: (id) => (ids.has(id) ? { colour: inside, faint: false } : { colour: outside, faint: true }),
    legend: [swatch(inside, by.slice(by.indexOf('=') + 1)), swatch(outside, 'others')],
  };
}

const swatch = (background, text) => el('span', { class: 'swatch' }, el('i', { style: { background } }), text);

/** A range of colours for numbers, without the most extreme ones at both ends. */
function ramp(name, ids, values, stops, text) {
  const sorted = Float64Array.from(values).sort();
  const [low, high] = [0.02, 0.98].map((share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  const colours = stops.map(colour);
  const shades = Array.from({ length: SHADES }, (_, i) => between(colours, i / (SHADES - 1)));
  const shade = (value) => shades[Math.round(Math.min(1, Math.max(0, (value - low) / (high - low || 1))) * (SHADES - 1))];
  const of = new Map(ids.map((id, i) => [id, shade(values[i])]));
  const unknown = colour('--dot');
  const bar = el('span', { class: 'ramp', style: { background: `linear-gradient(to right, ${colours.join(', ')})` } });
  return {
    of: (id) => ({ colour: of.get(id) ?? unknown, faint: false }),
    legend: [el('span', {}, name), el('span', {}, text(low)), bar, el('span', {}, text(high))],
  };
}

/** Return the colour at a fraction of the way through a list of colours. */
function between(colours, fraction) {
  const position = Math.min(0.9999, fraction) * (colours.length - 1);
  const [from, to] = [channels(colours[Math.floor(position)]), channels(colours[Math.floor(position) + 1])];
  return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * (position % 1))).join(',')})`;
}
